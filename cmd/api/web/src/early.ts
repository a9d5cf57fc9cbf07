// Runs before the first paint, from a file because the content security policy refuses inline scripts.
import { savedTheme } from "./lib/saved";

const theme = savedTheme();
if (theme !== "system") document.documentElement.dataset.theme = theme;
