/** Tables for a terminal. */

export type Row = readonly string[];

/** A table with its columns aligned: the first to the left, figures to the right. */
export function table(title: string, header: Row, rows: readonly Row[]): string {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: Row): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd();
  return [`\n${title}`, line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export const number = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');
export const times = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(2)}x` : '-');
export const megabytes = (bytes: number): string => number(bytes / 1024 / 1024, 1);
export const kilobytes = (bytes: number): string => number(bytes / 1024, 0);
