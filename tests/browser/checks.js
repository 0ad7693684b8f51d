// Counting what passed and failed, and waiting for what must come.

const results = { passed: 0, failed: 0 };

/** Runs one check; what it throws is printed, and the others go on. */
export async function check(name, act) {
  try {
    await act();
    results.passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    results.failed += 1;
    const words = String(error?.stack ?? error).replaceAll('\n', '\n        ');
    console.log(`FAILED  ${name}\n        ${words}`);
  }
}

/** Prints the sum; returns the exit code. */
export function close() {
  console.log(`${results.passed} passed, ${results.failed} failed`);
  return results.failed ? 1 : 0;
}

export function assert(truth, sentence) {
  if (!truth) throw new Error(sentence);
}

export function equal(found, wanted, what) {
  const [left, right] = [found, wanted].map((value) => JSON.stringify(value));
  assert(left === right, `${what}: ${left}, and ${right} was expected`);
}

/** Asks until the answer is truthy; `what` is named when it never is. */
export async function until(what, ask, limit_ms = 20_000) {
  const end = Date.now() + limit_ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${limit_ms / 1000} s`);
    await new Promise((resume) => { setTimeout(resume, 50); });
  }
}
