/** Text that the browser keeps as a file. */

/** By then the browser has begun to read it. */
const READ_MS = 10_000;

export function saveFile(name: string, parts: readonly string[], mediaType: string): void {
  const type = `${mediaType};charset=utf-8`;
  const address = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), READ_MS);
}
