// Jest reporter: closes the run with one plain line that any log reader can find. Jest's own summary comes after all
// reporters, so the line waits for the exit.
export default class Tally {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const failed = numFailedTests + numRuntimeErrorTestSuites
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''
    const line = `\n${numPassedTests} passed, ${failed} failed${skipped}\n`
    process.once('exit', () => process.stdout.write(line))
  }
}
