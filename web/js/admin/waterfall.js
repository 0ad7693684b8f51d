// One turn's stages as bars on one time axis.

import { el } from '../dom.js';
import { STAGES, duration, span, timeline } from './stages.js';

/** The bars of a turn, and under them what ran ahead of time, in words. */
export function waterfall(turn) {
  const whole = span(turn) || 1;
  const bars = timeline(turn);
  const rows = bars.flatMap((bar) => [
    el('span', { class: 'label', text: bar.stage.name, title: bar.stage.livekit }),
    lane(turn, bar, whole),
    el('span', {
      class: 'value', text: bar.us === null ? 'missing' : duration(bar.us),
    }),
  ]);
  const picture = el('div', { class: 'waterfall', role: 'img', 'aria-label': spelled(turn) },
    ...rows, axis(whole),
    el('span', { class: 'label sum', text: 'Together' }), el('span', {}),
    el('span', { class: 'value sum', text: duration(turn.e2e_us) }));
  const early = bars.filter((bar) => bar.early);
  return early.length ? [picture, note(turn, early)] : [picture];
}

function lane(turn, { stage, from_us, us, early }, whole) {
  if (us === null) {
    const reason = turn.missing?.[stage.id] ?? 'no reason given';
    return el('span', { class: 'lane missing', text: reason, 'data-stage': stage.id });
  }
  const pieces = early ? ghost(stage, early, from_us + us, whole) : [];
  return el('span', { class: 'lane', 'data-stage': stage.id, 'data-us': us }, ...pieces,
    piece('done', stage, from_us, us, whole));
}

/** The work itself, over the stages that went on meanwhile, and its wait for its place. */
function ghost(stage, { from_us, to_us }, place_us, whole) {
  const begin = Math.max(0, from_us ?? to_us);
  const ready = Math.max(0, to_us);
  return [
    ready > begin ? piece('early', stage, begin, ready - begin, whole) : null,
    piece('ready', stage, ready, place_us - ready, whole),
  ];
}

function piece(manner, stage, from_us, us, whole) {
  const node = el('i', { class: manner, 'data-part': stage.part });
  node.style.setProperty('--from', from_us / whole);
  node.style.setProperty('--to', us / whole);
  return node;
}

function axis(whole) {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const mark = el('span', { text: part ? duration(part * whole) : '0' });
    mark.style.setProperty('--from', part);
    return mark;
  });
  return el('span', { class: 'marks' }, ...marks);
}

function note(turn, early) {
  const words = early.map(({ stage }) => (
    `${stage.name.toLowerCase()} was ready ${duration(turn.ahead_us[stage.id])} before its turn`));
  const text = `Ahead of time, not in the sum: ${words.join('; ')}.`;
  return el('p', { class: 'soft early-note', text });
}

function spelled(turn) {
  const words = STAGES.map(({ id, name }) => {
    const us = turn.stages_us?.[id] ?? null;
    return us === null
      ? `${name} missing, ${turn.missing?.[id] ?? 'no reason given'}`
      : `${name} ${duration(us)}`;
  });
  return `${words.join(', ')}; together ${duration(turn.e2e_us)}`;
}
