import { client } from "./client.ts";
import { cryptoOf } from "./encryption.ts";

/*
 * The file of keys that people take from one client to another. Spec: cs#key-exports
 * Version 1, salt, counter block, rounds, AES-CTR-256, HMAC-SHA-256 over all before it; both keys by PBKDF2-SHA-512 from the passphrase.
 */
const begin = "-----BEGIN MEGOLM SESSION DATA-----";
const end = "-----END MEGOLM SESSION DATA-----";
const rounds = 500_000;
const mostRounds = 10_000_000; // a made-up file must not keep the browser busy for hours
const shortest = 1 + 16 + 16 + 4 + 32;

/** Why a file of keys cannot be read: it is none, or the passphrase is not its own. */
export class KeyFileError extends Error {
  readonly problem: "format" | "passphrase";
  constructor(problem: "format" | "passphrase") {
    super(problem);
    this.problem = problem;
  }
}

async function deriveKeys(salt: Uint8Array<ArrayBuffer>, iterations: number, passphrase: string): Promise<{ aes: CryptoKey; mac: CryptoKey }> {
  const base = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt, iterations }, base, 512);
  return {
    aes: await crypto.subtle.importKey("raw", bits.slice(0, 32), "AES-CTR", false, ["encrypt", "decrypt"]),
    mac: await crypto.subtle.importKey("raw", bits.slice(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]),
  };
}

const base64 = (bytes: Uint8Array): string => {
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
};

/** Encrypts a text with a passphrase into the file's form. */
export async function sealKeys(text: string, passphrase: string, iterations = rounds): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const counter = crypto.getRandomValues(new Uint8Array(16));
  counter[8] = (counter[8] ?? 0) & 0x7f; // implementations differ in how they count beyond bit 63
  const { aes, mac } = await deriveKeys(salt, iterations, passphrase);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, aes, new TextEncoder().encode(text)));
  const body = new Uint8Array(37 + sealed.length);
  body[0] = 1;
  body.set(salt, 1);
  body.set(counter, 17);
  new DataView(body.buffer).setUint32(33, iterations);
  body.set(sealed, 37);
  const tag = new Uint8Array(await crypto.subtle.sign("HMAC", mac, body));
  const whole = new Uint8Array(body.length + tag.length);
  whole.set(body);
  whole.set(tag, body.length);
  return `${begin}\n${base64(whole).replace(/(.{96})(?=.)/g, "$1\n")}\n${end}\n`;
}

/** Decrypts a file of keys. */
export async function openKeys(file: string, passphrase: string): Promise<string> {
  const inner = file.split(begin)[1]?.split(end)[0];
  let whole: Uint8Array<ArrayBuffer>;
  try {
    whole = Uint8Array.from(atob((inner ?? "").replace(/\s+/g, "")), (c) => c.charCodeAt(0));
  } catch {
    throw new KeyFileError("format");
  }
  if (whole.length < shortest || whole[0] !== 1) throw new KeyFileError("format");
  const iterations = new DataView(whole.buffer).getUint32(33);
  if (iterations < 1 || iterations > mostRounds) throw new KeyFileError("format");
  const body = whole.slice(0, -32);
  const { aes, mac } = await deriveKeys(whole.slice(1, 17), iterations, passphrase);
  if (!(await crypto.subtle.verify("HMAC", mac, whole.slice(-32), body))) throw new KeyFileError("passphrase");
  const text = await crypto.subtle.decrypt({ name: "AES-CTR", counter: whole.slice(17, 33), length: 64 }, aes, body.slice(37));
  return new TextDecoder().decode(text);
}

/** All keys of messages that this device has, encrypted with the passphrase. */
export async function exportKeys(passphrase: string): Promise<string> {
  return sealKeys(await cryptoOf(client()).exportRoomKeysAsJson(), passphrase);
}

/** Takes the keys of a file in; gives how many the file has. */
export async function importKeys(file: string, passphrase: string): Promise<number> {
  const text = await openKeys(file, passphrase);
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    throw new KeyFileError("format");
  }
  if (!Array.isArray(keys)) throw new KeyFileError("format");
  await cryptoOf(client()).importRoomKeysAsJson(text);
  return keys.length;
}
