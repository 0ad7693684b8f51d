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

/** Where each stage with a length begins on the turn's own axis: `[{stage, from_us, us}]`. */
export function timeline(turn) {
  let at = 0;
  return STAGES.map((stage) => {
    const us = turn.stages_us?.[stage.id] ?? null;
    const bar = { stage, from_us: at, us };
    at += us ?? 0;
    return bar;
  });
}
