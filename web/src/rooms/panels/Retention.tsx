import { Button, Group, Modal, Select, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ageWords } from "@/company/kept.ts";
import type { Powers } from "@/matrix/members.ts";
import { useOrganisation } from "@/matrix/organisation.ts";
import { lifetimes, maxAge, setLifetime, useOwnLifetime } from "@/matrix/retention.ts";
import { useAct } from "@/ui/act.ts";
import { Fact } from "./Fact.tsx";

/** How long the room's messages are kept. A shorter time asks first: what is older is deleted at once. */
export function Retention({ roomId, powers }: { roomId: string; powers: Powers }) {
  const { t } = useTranslation("rooms");
  const { t: words } = useTranslation("company");
  const { busy, act } = useAct();
  const { policy } = useOrganisation();
  const own = useOwnLifetime(roomId);
  const [asked, setAsked] = useState<{ ms: number | null; age: number } | null>(null);
  const standard = maxAge(null, policy);
  const data = [
    { value: "", label: standard === null ? t("retention.keep") : t("retention.standard", { age: ageWords(words, standard) }) },
    ...lifetimes(policy, own).map((ms) => ({ value: String(ms), label: t("retention.after", { age: ageWords(words, ms) }) })),
  ];
  const set = (ms: number | null) => act(() => setLifetime(roomId, ms), t("saved"));
  const choose = (value: string | null) => {
    const ms = value === null || value === "" ? null : Number(value);
    const age = maxAge(ms, policy);
    const now = maxAge(own, policy);
    if (age !== null && (now === null || age < now)) setAsked({ ms, age });
    else void set(ms);
  };
  if (!powers.retention) {
    const age = maxAge(own, policy);
    return <Fact label={t("retention.title")}>{own === null || age === null ? data[0]?.label : t("retention.after", { age: ageWords(words, age) })}</Fact>;
  }
  return (
    <>
      <Select label={t("retention.title")} description={t("retention.help")} allowDeselect={false} data={data} value={own === null ? "" : String(own)} disabled={busy} onChange={choose} />
      <Modal opened={asked !== null} onClose={() => setAsked(null)} title={t("retention.title")} closeButtonProps={{ "aria-label": t("close") }}>
        <Text>{t("retention.sure", { age: asked === null ? "" : ageWords(words, asked.age) })}</Text>
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setAsked(null)}>
            {t("cancel")}
          </Button>
          <Button
            color="red"
            loading={busy}
            onClick={() => {
              if (asked) void set(asked.ms).then(() => setAsked(null));
            }}
          >
            {t("retention.do")}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
