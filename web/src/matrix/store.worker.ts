import { IndexedDBStoreWorker } from "matrix-js-sdk/lib/store/indexeddb-store-worker.js";

const worker = new IndexedDBStoreWorker((message) => postMessage(message));
onmessage = (event: MessageEvent) => worker.onMessage(event);
