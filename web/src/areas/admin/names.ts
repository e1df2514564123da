// Names of people by their ids: of all who have an account, and of this machine, where there are no accounts.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { fetchPeople } from "../../api/people";

/** The name of `id`, empty until it is known; who is in no list has left. */
export function useNames(): { of: (id: string) => string; known: (id: string) => string } {
  const { t } = useTranslation("admin");
  const people = useQuery({ queryKey: ["people"], queryFn: fetchPeople });
  const names = new Map(people.data?.items.map((person) => [person.id, person.name]));
  if (people.data?.local) names.set(people.data.local, t("thisMachine"));
  const known = (id: string) => names.get(id) ?? "";
  return { known, of: (id) => known(id) || (people.isPending ? "" : t("nobody")) };
}
