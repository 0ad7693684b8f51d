// The stages of a turn, in order: names for people, LiveKit's names, the part that each belongs to.

export const STAGES = [
  { id: 'end_of_turn', name: 'End of turn', part: 'hear', livekit: 'end_of_turn_delay' },
  { id: 'transcription', name: 'Transcription', part: 'hear', livekit: 'transcription_delay' },
  { id: 'decide', name: 'Decide', part: 'decide' },
  { id: 'queue', name: 'Queue', part: 'think' },
  { id: 'prefill', name: 'Prefill', part: 'think' },
  { id: 'first_token', name: 'First token', part: 'think', livekit: 'llm_node_ttft' },
  { id: 'first_sentence', name: 'First sentence', part: 'think', livekit: 'llm_node_ttfs' },
  { id: 'first_audio', name: 'First audio', part: 'speak', livekit: 'tts_node_ttfb' },
  { id: 'publish', name: 'Publish', part: 'speak', livekit: 'playback_latency' },
];

export const PARTS = [
  { id: 'hear', name: 'hear' },
  { id: 'decide', name: 'decide' },
  { id: 'think', name: 'think' },
  { id: 'speak', name: 'speak' },
];

/** `0.4 ms`, `83 ms`, `1.24 s`. */
export function duration(us) {
  if (us === null || us === undefined) return '–';
  const ms = us / 1000;
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

/** Two as `83 · 120 ms`, or each with its unit where these differ. */
export function pair(one_us, other_us) {
  const [one, other] = [duration(one_us), duration(other_us)];
  const unit = other.slice(other.lastIndexOf(' '));
  return one.endsWith(unit) ? `${one.slice(0, -unit.length)} · ${other}` : `${one} · ${other}`;
}

/**
 * Where the stages are on the turn's own axis: `[{stage, from_us, us, early}]`. What follows a
 * stage that is missing is placed by the end of the turn, so that the gap stands where it was.
 * `early` is there for what was ready ahead of time: `{from_us, to_us}` of the work itself, where
 * that is known, else only its end.
 */
export function timeline(turn) {
  const bars = STAGES.map((stage) => ({
    stage, from_us: 0, us: turn.stages_us?.[stage.id] ?? null, early: null,
  }));
  let at = 0;
  for (const bar of bars) {
    bar.from_us = at;
    at += bar.us ?? 0;
  }
  fromTheEnd(bars, turn.e2e_us);
  let before = 0;
  for (const bar of bars) {
    const ahead = turn.ahead_us?.[bar.stage.id] ?? 0;
    const ready = bar.from_us + (bar.us ?? 0) - ahead;
    if (ahead) bar.early = { from_us: before <= ready ? before : null, to_us: ready };
    before = ready;
  }
  return bars;
}

/** Moves what follows the last gap so that it ends where the turn does. */
function fromTheEnd(bars, e2e_us) {
  const gap = bars.findLastIndex((bar) => bar.us === null);
  if (gap < 0 || e2e_us === null || e2e_us === undefined) return;
  let end = e2e_us;
  for (const bar of bars.slice(gap + 1).reverse()) {
    end -= bar.us;
    bar.from_us = end;
  }
}

/** How long a turn took, as far as that is known. */
export function span(turn) {
  return turn.e2e_us ?? timeline(turn).reduce((sum, bar) => sum + (bar.us ?? 0), 0);
}
