import { initAsync, OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { beforeAll, expect, test } from "vitest";
import { KeyFileError, openKeys, sealKeys } from "./encryption-export.ts";

const room = {
  algorithm: "m.megolm.v1.aes-sha2",
  room_id: "!r:localhost",
  sender_key: "FOvlmz18LLI3k/llCpqRoKT90+gFF8YhuL+v1YBXHlw",
  session_id: "/2K+V777vipCxPZ0gpY9qcpz1DYaXwuMRIu0UEP0Wa0",
  session_key: "AQAAAAAclzWVMeWBKH+B/WMowa3rb4ma3jEl6n5W4GCs9ue65CruzD3ihX+85pZ9hsV9Bf6fvhjp76WNRajoJYX0UIt7aosjmu0i+H+07hEQ0zqTKpVoSH0ykJ6stAMhdr6Q4uW5crBmdTTBIsqmoWsNJZKKoE2+ldYrZ1lrFeaJbjBIY/9ivle++74qQsT2dIKWPanKc9Q2Gl8LjESLtFBD9Fmt",
  sender_claimed_keys: { ed25519: "F4P7f1Z0RjbiZMgHk1xBCG3KC4/Ng9PmxLJ4hQ13sHA" },
  forwarding_curve25519_key_chain: [],
};

beforeAll(() => initAsync());

test("another implementation reads our files, and we read its", async () => {
  const text = JSON.stringify([room]);
  const ours = OlmMachine.decryptExportedRoomKeys(await sealKeys(text, "pässphrase", 1000), "pässphrase");
  expect((JSON.parse(ours) as (typeof room)[])[0]?.session_id).toBe(room.session_id);
  const theirs = OlmMachine.encryptExportedRoomKeys(text, "pässphrase", 1000);
  expect((JSON.parse(await openKeys(theirs, "pässphrase")) as (typeof room)[])[0]?.session_key).toBe(room.session_key);
});

test("a wrong passphrase and a file of another kind are told apart", async () => {
  const file = await sealKeys("[]", "right", 10);
  await expect(openKeys(file, "wrong")).rejects.toEqual(new KeyFileError("passphrase"));
  for (const other of ["", "hello", file.slice(0, 80), file.replace("\nA", "\nB")]) await expect(openKeys(other, "right")).rejects.toEqual(new KeyFileError("format"));
});
