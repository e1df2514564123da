// Where the page starts.
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { startI18n } from "./app/i18n";
import { queries } from "./app/query";
import { router } from "./app/router";
import { startTheme } from "./app/theme";
import "./parts/base.css";

startTheme();
void startI18n();

const place = document.getElementById("root");
if (place)
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Suspense>
          <RouterProvider router={router} />
        </Suspense>
      </QueryClientProvider>
    </StrictMode>,
  );
