// Every address of the page. Each area is fetched when it is first opened.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router";
import { Failed } from "../parts/states";
import { Toasts } from "../parts/toast";
import { Frame } from "./frame";
import { NotFound } from "./not_found";
import { mustBeSomebody } from "./session";

const root = createRootRoute({
  component: () => (
    <>
      <Outlet />
      <Toasts />
    </>
  ),
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <Failed error={error} onRetry={reset} />,
});

/** Pages with the rail beside them, for people with a session. */
const inside = createRoute({ getParentRoute: () => root, id: "inside", beforeLoad: mustBeSomebody, component: Frame });

const fresh = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: lazyRouteComponent(() => import("../areas/chat/fresh"), "NewChat"),
});
const chat = createRoute({
  getParentRoute: () => inside,
  path: "/c/$id",
  validateSearch: (search: Record<string, unknown>): { m?: string } =>
    typeof search.m === "string" ? { m: search.m } : {},
  component: lazyRouteComponent(() => import("../areas/chat/page"), "Chat"),
});

// Areas with pages of their own below: what follows `$` is in `_splat`, and each area reads it.
const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings/$",
  component: lazyRouteComponent(() => import("../areas/settings/page"), "Settings"),
});
const admin = createRoute({
  getParentRoute: () => inside,
  path: "/admin/$",
  component: lazyRouteComponent(() => import("../areas/admin/page"), "Admin"),
});
const runs = createRoute({
  getParentRoute: () => inside,
  path: "/runs/$",
  component: lazyRouteComponent(() => import("../areas/runs/page"), "Runs"),
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search.next === "string" ? { next: search.next } : {},
  component: lazyRouteComponent(() => import("../areas/enter/login"), "Login"),
});
const join = createRoute({
  getParentRoute: () => root,
  path: "/join",
  component: lazyRouteComponent(() => import("../areas/enter/join"), "Join"),
});
const shared = createRoute({
  getParentRoute: () => root,
  path: "/s/$token",
  component: lazyRouteComponent(() => import("../areas/chat/shared"), "Shared"),
});

export const router = createRouter({
  routeTree: root.addChildren([inside.addChildren([fresh, chat, settings, admin, runs]), login, join, shared]),
  defaultPreload: "intent",
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} onRetry={reset} />,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
