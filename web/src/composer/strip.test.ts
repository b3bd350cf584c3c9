// @vitest-environment node
import { describe, expect, test } from "vitest";
import { orientation, strip } from "./strip.ts";

const ascii = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));
const segment = (marker: number, data: number[]): number[] => [0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, ...data];
const bytes = async (b: Blob | null) => [...new Uint8Array(await (b as Blob).arrayBuffer())];

/** An Exif segment with an orientation and a pointer to GPS data, little endian as phones write it. Exif 2.32, 4.5 */
const exif = (turned: number): number[] => [
  ...ascii("Exif\0\0"), ...ascii("II"), 42, 0, 8, 0, 0, 0, 2, 0,
  0x12, 0x01, 3, 0, 1, 0, 0, 0, turned, 0, 0, 0,
  0x25, 0x88, 4, 0, 1, 0, 0, 0, 99, 0, 0, 0,
  0, 0, 0, 0, ...ascii("GPS 52.5 N"),
];
const jfif = segment(0xe0, [...ascii("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0]);
const quantization = segment(0xdb, [0, 0xe1, 2, 3]); // a byte that looks like a marker's
const scan = [...segment(0xda, [1, 1, 0, 0, 63, 0]), 0x12, 0xff, 0, 0xff, 0xd0, 0x34];
const table = segment(0xc4, [0, 0xff, 0xd9]); // in a progressive picture, between two scans
const icc = segment(0xe2, [...ascii("ICC_PROFILE\0"), 1, 1, 7]);

describe("a JPEG", () => {
  const make = (...parts: number[][]) => new Uint8Array([0xff, 0xd8, ...parts.flat()]);

  test("loses place, device, comments and what hangs behind it, and keeps everything that draws it", async () => {
    const picture = make(jfif, segment(0xe1, exif(1)), segment(0xe1, ascii("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")), icc, segment(0xe2, ascii("MPF\0...")), segment(0xed, ascii("Photoshop 3.0\0")), segment(0xfe, ascii("by Anna")), quantization, scan, table, scan, [0xff, 0xd9], ascii("a film"));
    expect(await bytes(strip(picture, "image/jpeg"))).toEqual([0xff, 0xd8, ...jfif, ...icc, ...quantization, ...scan, ...table, ...scan, 0xff, 0xd9]);
  });

  test("that lies on its side says so still, and nothing else", async () => {
    const out = await bytes(strip(make(jfif, segment(0xe1, exif(6)), quantization, scan, [0xff, 0xd9]), "image/jpeg"));
    expect(String.fromCharCode(...out)).not.toContain("GPS");
    expect(out.slice(2, 4)).toEqual([0xff, 0xe1]);
    const length = ((out[4] as number) << 8) | (out[5] as number);
    expect(orientation(new Uint8Array(out.slice(6, 4 + length)))).toBe(6);
    expect(out.slice(4 + length)).toEqual([...jfif, ...quantization, ...scan, 0xff, 0xd9]);
  });

  test("that is none, or is cut off, is not sent as a picture", () => {
    expect(strip(new Uint8Array(ascii("GIF89a")), "image/jpeg")).toBeNull();
    expect(strip(make(jfif).slice(0, 10), "image/jpeg")).toBeNull();
  });
});

test("a PNG loses its texts, times and Exif", async () => {
  const chunk = (type: string, data: number[]) => [0, 0, 0, data.length, ...ascii(type), ...data, 1, 2, 3, 4];
  const head = [0x89, ...ascii("PNG\r\n"), 0x1a, 10];
  const kept = [chunk("IHDR", [0, 0, 0, 1]), chunk("iCCP", [5]), chunk("IDAT", [9, 9])];
  const picture = [...head, ...(kept[0] as number[]), ...chunk("tEXt", ascii("Author\0Anna")), ...(kept[1] as number[]), ...chunk("eXIf", exif(1)), ...chunk("tIME", [1]), ...(kept[2] as number[]), ...chunk("IEND", []), ...ascii("more")];
  expect(await bytes(strip(new Uint8Array(picture), "image/png"))).toEqual([...head, ...kept.flat(), ...chunk("IEND", [])]);
});

test("a WebP loses Exif and XMP, its flags for them, and has the right length", async () => {
  const chunk = (type: string, data: number[]) => [...ascii(type), data.length, 0, 0, 0, ...data, ...(data.length % 2 ? [0] : [])];
  const riff = (chunks: number[]) => [...ascii("RIFF"), chunks.length + 4, 0, 0, 0, ...ascii("WEBP"), ...chunks];
  const picture = riff([...chunk("VP8X", [0x1c, 0, 0, 0, 1, 0, 0, 1, 0, 0]), ...chunk("VP8 ", [1, 2, 3]), ...chunk("EXIF", exif(1)), ...chunk("XMP ", [4])]);
  expect(await bytes(strip(new Uint8Array(picture), "image/webp"))).toEqual(riff([...chunk("VP8X", [0x10, 0, 0, 0, 1, 0, 0, 1, 0, 0]), ...chunk("VP8 ", [1, 2, 3])]));
});
