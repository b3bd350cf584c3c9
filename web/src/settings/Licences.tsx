import { Accordion, Group, Text } from "@mantine/core";
import { licences } from "virtual:licences";

/** The packages of the app with their licences. */
export default function Licences() {
  return (
    <Accordion variant="default" chevronPosition="left">
      {licences.map((l) => (
        <Accordion.Item key={l.name} value={l.name}>
          <Accordion.Control>
            <Group justify="space-between" gap="xs">
              <Text>
                {l.name} {l.version}
              </Text>
              <Text size="sm" c="var(--quiet)">
                {l.licence}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <Text size="xs" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} ff="monospace">
              {l.text || l.licence}
            </Text>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
