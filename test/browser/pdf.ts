import { createHash } from "node:crypto";

const md5 = (...parts: Buffer[]): Buffer => createHash("md5").update(Buffer.concat(parts)).digest();

function rc4(key: Buffer, data: Buffer): Buffer {
  const s = [...Array(256).keys()];
  const swap = (a: number, b: number) => ([s[a], s[b]] = [s[b] as number, s[a] as number]);
  for (let i = 0, j = 0; i < 256; i++) swap(i, (j = (j + (s[i] as number) + (key[i % key.length] as number)) & 255));
  let [i, j] = [0, 0];
  return data.map((byte) => {
    swap((i = (i + 1) & 255), (j = (j + (s[i] as number)) & 255));
    return byte ^ (s[((s[i] as number) + (s[j] as number)) & 255] as number);
  }) as Buffer;
}

const padding = Buffer.from("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A", "hex");
const id = Buffer.from("0123456789abcdef");
const padded = (password: string) => Buffer.concat([Buffer.from(password), padding]).subarray(0, 32);

/** Makes a PDF with one line of text on each page; with a password it is encrypted as version 1.4 has it (ISO 32000-1, 7.6.3: RC4 of 40 bits). */
export function pdf(lines: string[], password?: string): Buffer {
  const permissions = Buffer.from([0xfc, 0xff, 0xff, 0xff]);
  const owner = rc4(md5(padded(password ?? "")).subarray(0, 5), padded(password ?? ""));
  const key = md5(padded(password ?? ""), owner, permissions, id).subarray(0, 5);
  const seal = (n: number, data: Buffer) => (password === undefined ? data : rc4(md5(key, Buffer.from([n & 255, n >> 8, 0, 0, 0])).subarray(0, 10), data));
  const page = (i: number) => 4 + 2 * i;
  const objects: (string | [string, Buffer])[] = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${lines.length} /Kids [${lines.map((_, i) => `${page(i)} 0 R`).join(" ")}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
  ];
  for (const [i, line] of lines.entries()) {
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${page(i) + 1} 0 R >>`);
    const stream = seal(page(i) + 1, Buffer.from(`BT /F1 28 Tf 60 740 Td (${line}) Tj ET`));
    objects.push([`<< /Length ${stream.length} >>`, stream]);
  }
  if (password !== undefined) objects.push(`<< /Filter /Standard /V 1 /R 2 /O <${owner.toString("hex")}> /U <${rc4(key, padding).toString("hex")}> /P -4 >>`);
  const parts: Buffer[] = [Buffer.from("%PDF-1.4\n")];
  const offsets: number[] = [];
  let at = parts[0]?.length ?? 0;
  const put = (b: Buffer) => void (parts.push(b), (at += b.length));
  for (const [i, o] of objects.entries()) {
    offsets.push(at);
    const [dict, stream] = typeof o === "string" ? [o] : o;
    put(Buffer.from(`${i + 1} 0 obj\n${dict}\n`));
    if (stream) put(Buffer.concat([Buffer.from("stream\n"), stream, Buffer.from("\nendstream\n")]));
    put(Buffer.from("endobj\n"));
  }
  const table = offsets.map((o) => `${String(o).padStart(10, "0")} 00000 n \n`).join("");
  const encrypt = password === undefined ? "" : ` /Encrypt ${objects.length} 0 R /ID [<${id.toString("hex")}> <${id.toString("hex")}>]`;
  parts.push(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${encrypt} >>\nstartxref\n${at}\n%%EOF\n`));
  return Buffer.concat(parts);
}
