import { type Answer, type Call, makeService } from "./protocol.ts";

const service = makeService();

onmessage = async (e: MessageEvent<Call>) => {
  const { id, op, args } = e.data;
  let answer: Answer;
  try {
    answer = { id, value: await (service[op] as (...a: unknown[]) => Promise<unknown>)(...args) };
  } catch (err) {
    answer = { id, error: err instanceof Error ? err.message : String(err) };
  }
  postMessage(answer);
};
