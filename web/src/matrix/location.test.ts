import { describe, expect, test } from "vitest";
import { geoOf, locationContent, placeOf, readGeo } from "./location.ts";

describe("geo: addresses (RFC 5870)", () => {
  test.each([
    ["geo:13.4125,103.8667", { latitude: 13.4125, longitude: 103.8667, accuracy: null }],
    ["geo:48.2010,16.3695,183", { latitude: 48.201, longitude: 16.3695, accuracy: null }],
    ["geo:48.198634,16.371648;crs=wgs84;u=40", { latitude: 48.198634, longitude: 16.371648, accuracy: 40 }],
    ["geo:-33.5,-70;u=0", { latitude: -33.5, longitude: -70, accuracy: 0 }],
    ["GEO:90,0;CRS=WGS84;unknown", { latitude: 90, longitude: 0, accuracy: null }],
  ])("%s", (uri, place) => expect(readGeo(uri)).toEqual(place));

  test.each(["geo:91,0", "geo:0,181", "geo:1", "geo:1,2x", "geo:1,2;crs=nad27", "javascript:geo:1,2", "https://example.org/?geo:1,2", "geo:1,2\" onclick", 7, undefined])("not %s", (uri) => expect(readGeo(uri)).toBeNull());
});

test("a message's place is read in both forms, and its text only where it says something", () => {
  expect(placeOf({ msgtype: "m.location", body: "Big Ben, London, UK", geo_uri: "geo:51.5008,0.1247" })).toEqual({ text: "Big Ben, London, UK", latitude: 51.5008, longitude: 0.1247, accuracy: null });
  const extended = { uri: "geo:51.5008,0.1247;u=35", description: "Matthew's whereabouts" };
  expect(placeOf({ "m.location": extended, body: "x" })).toMatchObject({ text: "Matthew's whereabouts", accuracy: 35 });
  expect(placeOf({ "org.matrix.msc3488.location": extended, geo_uri: "geo:1,1" })?.latitude).toBe(51.5008);
  expect(placeOf({ body: "Location was shared at geo:1,2 as of today", geo_uri: "geo:1,2" })?.text).toBe("");
  expect(placeOf({ body: "nowhere", geo_uri: "https://example.org" })).toBeNull();
});

test("what is sent is read again, and no finer than ten centimetres", () => {
  const content = locationContent({ latitude: 48.12345678, longitude: -16.5, accuracy: 12.2 }, "My location", 1);
  expect(content.geo_uri).toBe("geo:48.123457,-16.5;u=13");
  expect(placeOf(content)).toEqual({ text: "My location", latitude: 48.123457, longitude: -16.5, accuracy: 13 });
  expect(geoOf({ latitude: 1e-7, longitude: 2 })).toBe("geo:0,2");
});
