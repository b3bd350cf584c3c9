// @vitest-environment node
import { describe, expect, test } from "vitest";
import { DamagedFileError, decryptFile, encryptFile, fromBase64, toBase64 } from "./fileCrypto.ts";

/*
 * The vectors that matrix-encrypt-attachment, matrix-ios-sdk and matrix-android-sdk2 test with: cipher text, hash, key, iv, plain text.
 * In the last the counter wraps: it has 64 bits.
 */
const ones = "__________________________________________8";
const letters = "YWxwaGFudW1lcmljYWxseWFscGhhbnVtZXJpY2FsbHlhbHBoYW51bWVyaWNhbGx5YWxwaGFudW1lcmljYWxseQ";
const vectors: [string, string, string, string, string][] = [
  ["", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA", ""],
  ["5xJZTt5cQicm+9f4", "YzF08lARDdOCzJpzuSwsjTNlQc4pHxpdHcXiD/wpK6k", ones, "//////////8AAAAAAAAAAA", "SGVsbG8sIFdvcmxk"],
  ["zhtFStAeFx0s+9L/sSQO+WQMtldqYEHqTxMduJrCIpnkyer09kxJJuA4K+adQE4w+7jZe/vR9kIcqj9rOhDR8Q", "IOq7/dHHB+mfHfxlRY5XMeCWEwTPmlf4cJcgrkf6fVU", ones, "//////////8AAAAAAAAAAA", letters],
  ["tJVNBVJ/vl36UQt4Y5e5m84bRUrQHhcdLPvS/7EkDvlkDLZXamBB6k8THbiawiKZ5Mnq9PZMSSbgOCvmnUBOMA", "LYG/orOViuFwovJpv2YMLSsmVKwLt7pY3f8SYM7KU5E", ones, "/////////////////////w", letters],
];

const file = (hash: string, k: string, iv: string) => ({ key: { kty: "oct", alg: "A256CTR", k, ext: true }, iv, hashes: { sha256: hash } });
const bytes = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());

describe("encrypted files", () => {
  test.each(vectors)("%s is decrypted as other implementations do", async (cipher, hash, k, iv, plain) => {
    const blob = await decryptFile(new Blob([fromBase64(cipher)]), file(hash, k, iv), "text/plain");
    expect(toBase64(await bytes(blob))).toBe(plain);
    expect(blob.type).toBe("text/plain");
  });

  test("of which a byte changed are refused", async () => {
    const [cipher, hash, k, iv] = vectors[1] as (typeof vectors)[0];
    const changed = fromBase64(cipher);
    changed[3] = (changed[3] ?? 0) ^ 1;
    await expect(decryptFile(new Blob([changed]), file(hash, k, iv), "")).rejects.toBeInstanceOf(DamagedFileError);
    await expect(decryptFile(new Blob([fromBase64(cipher)]), file("", k, iv), "")).rejects.toBeInstanceOf(DamagedFileError);
  });

  test("come back as they were, also when they pass in pieces, and say what the specification asks for", async () => {
    const plain = new Uint8Array(1000).map((_, i) => (i * 31) & 255);
    const { data, secret } = await encryptFile(new Blob([plain]), undefined, 64);
    expect(secret.v).toBe("v2");
    expect(secret.key).toMatchObject({ kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"] });
    expect(fromBase64(secret.iv).subarray(8)).toEqual(new Uint8Array(8));
    expect(data.size).toBe(plain.length);
    // One call over the whole is what another client does.
    const key = await crypto.subtle.importKey("raw", fromBase64(secret.key.k ?? ""), "AES-CTR", false, ["decrypt"]);
    const whole = await crypto.subtle.decrypt({ name: "AES-CTR", counter: fromBase64(secret.iv), length: 64 }, key, await bytes(data));
    expect(Buffer.compare(Buffer.from(whole), Buffer.from(plain))).toBe(0);
    expect(Buffer.compare(Buffer.from(await bytes(await decryptFile(data, secret, "", 96))), Buffer.from(plain))).toBe(0);
  });
});
