type Content = Record<string, unknown>;

/** A place on earth that somebody sent. */
export interface Place {
  text: string; // what its sender calls it, "" if nothing
  latitude: number;
  longitude: number;
  accuracy: number | null; // metres
}

const object = (v: unknown): Content => (typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Content) : {});
const text = (v: unknown): string => (typeof v === "string" ? v : "");

/** Reads a geo: URI; null if it is none, or in other coordinates than those of satellites. Spec: rfc5870#3.3 */
export function readGeo(uri: unknown): Omit<Place, "text"> | null {
  const number = String.raw`-?\d+(?:\.\d+)?`;
  const found = new RegExp(`^geo:(${number}),(${number})(?:,${number})?((?:;[a-z0-9-]+(?:=[^;]*)?)*)$`, "i").exec(text(uri));
  if (found === null) return null;
  const [latitude, longitude] = [Number(found[1]), Number(found[2])];
  const parameters = new Map((found[3] ?? "").toLowerCase().split(";").map((p) => p.split("=", 2) as [string, string]));
  if ((parameters.get("crs") ?? "wgs84") !== "wgs84" || Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return null;
  const accuracy = Number(parameters.get("u") ?? NaN);
  return { latitude, longitude, accuracy: accuracy >= 0 && accuracy < 1e7 ? accuracy : null };
}

const mark = /^.*\bgeo:-?\d.*$/; // a text that only repeats the address, as apps write it for those without maps

/** Reads a place from a message: as the specification has it, or in the extensible form (MSC3488). Spec: cs#mlocation */
export function placeOf(content: Content): Place | null {
  const extended = object(content["m.location"] ?? content["org.matrix.msc3488.location"]);
  const at = readGeo(extended.uri) ?? readGeo(content.geo_uri);
  const said = text(extended.description) || text(content.body);
  return at && { ...at, text: mark.test(said) ? "" : said };
}

const coordinate = (n: number): string => String(Number(n.toFixed(6)));

/** The address that a maps app opens. */
export const geoOf = ({ latitude, longitude }: Pick<Place, "latitude" | "longitude">): string => `geo:${coordinate(latitude)},${coordinate(longitude)}`;

/** The content of a message that says where its sender is, for clients old and new. */
export function locationContent(at: Omit<Place, "text">, words: string, now: number): Content {
  const uri = geoOf(at) + (at.accuracy === null ? "" : `;u=${Math.ceil(at.accuracy)}`);
  return {
    msgtype: "m.location",
    body: `${words} ${uri}`,
    geo_uri: uri,
    "org.matrix.msc3488.location": { uri, description: words },
    "org.matrix.msc3488.asset": { type: "m.self" },
    "org.matrix.msc3488.ts": now,
    "org.matrix.msc1767.text": `${words} ${uri}`,
    "m.mentions": {},
  };
}
