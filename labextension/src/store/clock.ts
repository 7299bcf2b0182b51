/** The server's clock as this page knows it: durations stay right when the two clocks differ. */
export class Clock {
  private offsetMs = 0;

  /** Take over what the server said its time is. */
  set(serverNowMs: number): void {
    this.offsetMs = serverNowMs - Date.now();
  }

  /** Milliseconds since the epoch, by the server's clock. */
  now(): number {
    return Date.now() + this.offsetMs;
  }
}
