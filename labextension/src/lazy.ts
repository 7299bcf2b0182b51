/** Something that is made when it is first asked for; a failure is tried again the next time. */
export class Lazy<T> {
  private made: Promise<T> | null = null;
  private readonly waiting: ((value: T) => void)[] = [];

  constructor(private readonly make: () => Promise<T>) {}

  /** The one thing, made by the first who asks. */
  get(): Promise<T> {
    this.made ??= this.make().then(
      value => {
        this.waiting.splice(0).forEach(tell => tell(value));
        return value;
      },
      (error: unknown) => {
        this.made = null;
        throw error;
      }
    );
    return this.made;
  }

  /** Call with the thing once somebody else has asked for it. */
  whenMade(tell: (value: T) => void): void {
    if (this.made === null) {
      this.waiting.push(tell);
    } else {
      this.made.then(tell, () => this.whenMade(tell));
    }
  }
}
