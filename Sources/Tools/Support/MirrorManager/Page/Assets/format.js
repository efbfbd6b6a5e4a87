// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// Texts for times, durations and sizes.

const units = [["y", 31536000], ["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** A span of seconds in one or two units: "3 h 20 min". */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  let rest = Math.max(0, Math.round(seconds));
  for (let i = 0; i < units.length; i += 1) {
    const [name, length] = units[i];
    if (rest < length && i < units.length - 1) continue;
    const count = Math.floor(rest / length);
    rest -= count * length;
    const next = units[i + 1];
    // A second unit only while the first is small: "1 d 3 h", but "12 d".
    const more = next && count < 10 ? Math.floor(rest / next[1]) : 0;
    return `${count} ${name}` + (more > 0 ? ` ${more} ${next[0]}` : "");
  }
  return "0 s";
}

/** The same in one unit, for columns. */
export function shortDuration(seconds) {
  return duration(seconds).split(" ").slice(0, 2).join(" ");
}

/** How long ago a time was; `seconds` of 0 or less is never. */
export function age(seconds, now) {
  if (!(seconds > 0)) return "never";
  const passed = now - seconds;
  return passed < 5 ? "just now" : `${shortDuration(passed)} ago`;
}

/** When a time will be. */
export function until(seconds, now) {
  if (!(seconds > 0)) return "–";
  const left = seconds - now;
  return left < 1 ? "due" : `in ${shortDuration(left)}`;
}

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A time in the reader's zone; 0 or less is never. */
export function moment(seconds) {
  return seconds > 0 ? absolute.format(new Date(seconds * 1000)) : "never";
}

/** Seconds since 1970 of an RFC 3339 text; 0 for "never". */
export function seconds(text) {
  const value = Date.parse(text ?? "") / 1000;
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/** Bytes with a unit of powers of 1,000, as rsync prints them. */
export function bytes(count) {
  if (!Number.isFinite(count)) return "";
  const names = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  let value = count, index = 0;
  while (value >= 999.5 && index < names.length - 1) { value /= 1000; index += 1; }
  return `${index === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${names[index]}`;
}

/** The number of bytes that a size text such as "12.5G" means; -1 when it says nothing. */
export function sizeValue(text) {
  const match = /^\s*([\d.,]+)\s*([KMGTPE]?)i?B?/i.exec(text ?? "");
  if (!match) return -1;
  const value = Number(match[1].replaceAll(",", ""));
  return Number.isFinite(value) ? value * 1000 ** " KMGTPE".indexOf(match[2].toUpperCase() || " ") : -1;
}

/** A whole number with separators. */
export function whole(count) { return Number.isFinite(count) ? count.toLocaleString() : ""; }
