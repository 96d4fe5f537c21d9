// SPDX-License-Identifier: Apache-2.0
import "neuroglancer";
import { StatusMessage } from "neuroglancer/unstable/status.js";
import { setupDefaultViewer } from "neuroglancer/unstable/ui/default_viewer_setup.js";

// Without a state Neuroglancer asks for the address of a volume, which few know by heart.
setupDefaultViewer({ showLayerDialog: false });
if (!location.hash.startsWith("#!"))
  StatusMessage.showTemporaryMessage("The address names no volume. Open one from its own page or from an experiment's.", 10_000);
