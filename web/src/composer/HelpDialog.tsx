import { Code, Modal, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ShortcutGroup } from "@/keyboard/ShortcutList.tsx";
import { commands } from "./commands.ts";

const marks = ["**…**", "*…*", "~~…~~", "`…`", "```", "> …", "- …"] as const;

/** What can be typed: keys, signs for formatting, commands. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("composer");
  return (
    <Modal opened onClose={onClose} title={t("help.title")} closeButtonProps={{ "aria-label": t("close") }} size="lg" centered>
      <Stack>
        <Rows title={t("help.commands")} rows={commands.map((c) => [<Code key="c">{`/${c.name} ${t(`argument.${c.argument}`)}`.trim()}</Code>, t(`command.${c.name}`)])} />
        <Text size="sm" c="var(--quiet)">
          {t("help.slash")}
        </Text>
        <Rows title={t("help.format")} rows={marks.map((m, i) => [<Code key="m">{m}</Code>, t(`help.mark.${i}`)])} />
        <ShortcutGroup group="writing" order={3} />
      </Stack>
    </Modal>
  );
}

function Rows({ title, rows }: { title: string; rows: [React.ReactNode, string][] }) {
  return (
    <Table withRowBorders={false} verticalSpacing={4}>
      <Table.Caption style={{ captionSide: "top", textAlign: "start", fontWeight: 650, color: "var(--text)" }}>{title}</Table.Caption>
      <Table.Tbody>
        {rows.map(([sign, text], i) => (
          <Table.Tr key={i}>
            <Table.Td w="14rem">{sign}</Table.Td>
            <Table.Td>{text}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
