/*
 * Takes out of pictures what tells more than the picture does: where and when it was taken, with which device, by whom. The picture itself is
 * not encoded anew. Of a JPEG's data only the orientation stays, without which it would be seen lying on its side.
 */

type Bytes = Uint8Array<ArrayBuffer>;

const ascii = (b: Bytes, at: number, length: number): string => String.fromCharCode(...b.subarray(at, at + length));

/** The orientation, 1 to 8, that a JPEG's Exif segment says. Exif 2.32, 4.6.4 */
export function orientation(exif: Bytes): number {
  if (ascii(exif, 0, 6) !== "Exif\0\0" || exif.length < 14) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset + 6, exif.length - 6);
  const little = view.getUint16(0) === 0x4949;
  const ifd = view.getUint32(4, little);
  if (ifd + 2 > view.byteLength) return 1;
  const count = view.getUint16(ifd, little);
  for (let i = 0; i < count && ifd + 14 + i * 12 <= view.byteLength; i++) {
    const at = ifd + 2 + i * 12;
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** An Exif segment that says the orientation and nothing else. */
function onlyOrientation(value: number): Bytes {
  return new Uint8Array([0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0, 0, 0, 0, 0]);
}

function jpeg(b: Bytes): Bytes[] | null {
  const parts: Bytes[] = [b.subarray(0, 2)];
  let turned = 1;
  let at = 2;
  while (at + 4 <= b.length) {
    if (b[at] !== 0xff) return null;
    const marker = b[at + 1] as number;
    if (marker === 0xff) {
      at++; // filling
      continue;
    }
    const length = ((b[at + 2] as number) << 8) | (b[at + 3] as number);
    if (marker === 0xda) {
      if (turned !== 1) parts.splice(1, 0, onlyOrientation(turned));
      return [...parts, b.subarray(at, end(b, at))];
    }
    if (length < 2 || at + 2 + length > b.length) return null;
    if (marker === 0xe1) turned = Math.max(turned, orientation(b.subarray(at + 4, at + 2 + length)));
    // JFIF, colour profile (APP2 ICC) and Adobe's colour transform are needed to draw it; other application segments and comments are not.
    const icc = marker === 0xe2 && ascii(b, at + 4, 11) === "ICC_PROFILE";
    const keep = marker === 0xe0 || icc || marker === 0xee || !((marker >= 0xe1 && marker <= 0xef) || marker === 0xfe);
    if (keep) parts.push(b.subarray(at, at + 2 + length));
    at += 2 + length;
  }
  return null;
}

/** Where the picture ends: what phones put behind it, such as a film or a second picture, goes too. */
function end(b: Bytes, from: number): number {
  for (let i = from; i + 1 < b.length; ) {
    const next = b[i + 1] as number;
    if (b[i] !== 0xff || next === 0 || next === 0xff || (next >= 0xd0 && next <= 0xd7)) i++;
    else if (next === 0xd9) return i + 2;
    else i += 2 + (((b[i + 2] ?? 0) << 8) | (b[i + 3] ?? 0)); // a segment between two scans
  }
  return b.length;
}

function png(b: Bytes): Bytes[] | null {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const parts: Bytes[] = [b.subarray(0, 8)];
  for (let at = 8; at + 12 <= b.length; ) {
    const total = view.getUint32(at) + 12;
    if (at + total > b.length) return null;
    const type = ascii(b, at + 4, 4);
    if (!["eXIf", "tEXt", "iTXt", "zTXt", "tIME"].includes(type)) parts.push(b.subarray(at, at + total));
    at += total;
    if (type === "IEND") return parts;
  }
  return null;
}

function webp(b: Bytes): Bytes[] | null {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const parts: Bytes[] = [];
  for (let at = 12; at + 8 <= b.length; ) {
    const size = view.getUint32(at + 4, true);
    const total = 8 + size + (size & 1);
    if (at + 8 + size > b.length) return null;
    const type = ascii(b, at, 4);
    const chunk = b.slice(at, at + total);
    if (type === "VP8X") chunk[8] = (chunk[8] as number) & ~0x0c; // no Exif, no XMP
    if (type !== "EXIF" && type !== "XMP ") parts.push(chunk);
    at += total;
  }
  const head = b.slice(0, 12);
  new DataView(head.buffer).setUint32(4, 4 + parts.reduce((n, p) => n + p.length, 0), true);
  return [head, ...parts];
}

/** The picture without what it tells about its maker; null if it is not as its type says, and is then not to be sent as a picture. */
export function strip(b: Bytes, mime: string): Blob | null {
  let parts: Bytes[] | null = [b];
  if (mime === "image/jpeg") parts = b[0] === 0xff && b[1] === 0xd8 ? jpeg(b) : null;
  else if (mime === "image/png") parts = ascii(b, 1, 3) === "PNG" ? png(b) : null;
  else if (mime === "image/webp") parts = ascii(b, 0, 4) === "RIFF" && ascii(b, 8, 4) === "WEBP" ? webp(b) : null;
  return parts && new Blob(parts, { type: mime });
}
