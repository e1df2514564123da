// Names of people by their ids: of all who have an account, and of whoever looks (without accounts, this machine).
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { fetchPeople } from "../../api/people";
import { useSession } from "../../app/session";

/** The name of `id`, empty until it is known; who is in no list has left. */
export function useNames(): { of: (id: string) => string; known: (id: string) => string } {
  const { t } = useTranslation("admin");
  const people = useQuery({ queryKey: ["people"], queryFn: fetchPeople });
  const me = useSession()?.user;
  const names = new Map(people.data?.items.map((person) => [person.id, person.name]));
  if (me) names.set(me.id, me.name);
  const known = (id: string) => names.get(id) ?? "";
  return { known, of: (id) => known(id) || (people.isPending ? "" : t("nobody")) };
}
