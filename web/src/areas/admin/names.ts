// Who is who: the names of accounts by their ids; the one person of a service without accounts has none.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { fetchPeople } from "../../api/people";

export function useNames(): Map<string, string> {
  const { t } = useTranslation("admin");
  const { data } = useQuery({ queryKey: ["people"], queryFn: fetchPeople });
  const names = new Map(data?.items.map((person) => [person.id, person.name]));
  return data?.local ? names.set(data.local, t("thisMachine")) : names;
}
