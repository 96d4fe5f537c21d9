// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app/app";
import { startTheme } from "./app/theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";

startTheme();
const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
render(<App />, root);
