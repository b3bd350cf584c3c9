declare module "virtual:emoji/*" {
  /** emoji, label, group, version, short codes, tags, 1 for a flag of a country, the five skin tones from light to dark */
  type Row = [string, string, number, number, string[], string[], 0 | 1, string[]];
  const data: { groups: [number, string][]; tones: [string, string][]; emoji: Row[] };
  export default data;
}
