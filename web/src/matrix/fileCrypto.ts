import type { EncryptedFile } from "./file.ts";

// Spec: cs#sending-encrypted-attachments

/** The content is not what its sender encrypted: nothing of it may be shown. */
export class DamagedFileError extends Error {}

const blockSize = 16;
/** Large files pass through WebCrypto in pieces, so that cipher and plain text are not in memory side by side. A multiple of the block. */
const pieceSize = 8 << 20;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text).replace(/=+$/, "");
}

/** Reads base64 in either alphabet, with or without padding. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "")), (c) => c.charCodeAt(0));
}

/** The counter block of a piece: the last 64 bits of the iv count blocks and wrap around. */
function counterAt(iv: Uint8Array<ArrayBuffer>, offset: number): Uint8Array<ArrayBuffer> {
  const block = iv.slice();
  const view = new DataView(block.buffer);
  view.setBigUint64(8, BigInt.asUintN(64, view.getBigUint64(8) + BigInt(offset / blockSize)));
  return block;
}

async function transform(blob: Blob, type: string, act: (piece: ArrayBuffer, offset: number) => Promise<ArrayBuffer>, size: number, signal?: AbortSignal): Promise<Blob> {
  const parts: Blob[] = [];
  for (let offset = 0; offset < blob.size; offset += size) {
    signal?.throwIfAborted();
    parts.push(new Blob([await act(await bytesOf(blob.slice(offset, offset + size)), offset)]));
  }
  return new Blob(parts, { type });
}

const bytesOf = (blob: Blob): Promise<ArrayBuffer> => blob.arrayBuffer();

const digest = async (blob: Blob): Promise<string> => toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", await bytesOf(blob))));

/** Encrypts a file under a fresh key. What is returned beside the cipher text goes into the event, once the upload gave it an address. */
export async function encryptFile(blob: Blob, signal?: AbortSignal, size = pieceSize): Promise<{ data: Blob; secret: Omit<EncryptedFile, "url"> & { v: "v2" } }> {
  const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
  // Half of the iv stays zero: implementations disagreed about what happens when the counter overflows.
  const iv = new Uint8Array(blockSize);
  crypto.getRandomValues(iv.subarray(0, 8));
  const encrypt = (piece: ArrayBuffer, offset: number) => crypto.subtle.encrypt({ name: "AES-CTR", counter: counterAt(iv, offset), length: 64 }, key, piece);
  const data = await transform(blob, "application/octet-stream", encrypt, size, signal);
  const { k } = await crypto.subtle.exportKey("jwk", key);
  const jwk: JsonWebKey = { kty: "oct", key_ops: ["encrypt", "decrypt"], alg: "A256CTR", k: k ?? "", ext: true };
  return { data, secret: { v: "v2", key: jwk, iv: toBase64(iv), hashes: { sha256: await digest(data) } } };
}

/** Decrypts a file after its hash was found right. */
export async function decryptFile(data: Blob, file: Omit<EncryptedFile, "url">, type: string, size = pieceSize): Promise<Blob> {
  const expected = (file.hashes.sha256 ?? "").replace(/=+$/, "");
  if (expected === "" || (await digest(data)) !== expected) throw new DamagedFileError("hash mismatch");
  const iv = fromBase64(file.iv);
  const raw = fromBase64(file.key.k ?? "");
  if (iv.length !== blockSize || raw.length !== 32) throw new DamagedFileError("bad key");
  const key = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["decrypt"]);
  return transform(data, type, (piece, offset) => crypto.subtle.decrypt({ name: "AES-CTR", counter: counterAt(iv, offset), length: 64 }, key, piece), size);
}
