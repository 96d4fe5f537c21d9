// SPDX-License-Identifier: Apache-2.0
import type { Fidelity, ImageScores } from "../api/types";
import { count, missing } from "../app/format";
import { Panel } from "../app/parts";

const decibel = (f: Fidelity) => (f.psnr == null ? missing : f.psnr.toFixed(2));
const ssim = (f: Fidelity) => (f.ssim == null ? missing : f.ssim.toFixed(4));

/** How near sections that were degraded and brought back come to the original. */
export function ImagesPanel({ images }: { images: ImageScores }) {
  return (
    <Panel title="Image quality">
      <p class="hint about">Sections brought back, against the original. lr: bicubic interpolation. boosted: super-resolution{images.noise > 0 ? `. Noise: ${images.noise} grey levels` : ""}.</p>
      <div class="scroll">
        <table>
          <caption class="unseen">PSNR and SSIM of sections brought back, against the original</caption>
          <thead>
            <tr>
              <th scope="col">Section</th>
              <th scope="col" class="number">PSNR lr, dB</th>
              <th scope="col" class="number">boosted</th>
              <th scope="col" class="number">SSIM lr</th>
              <th scope="col" class="number">boosted</th>
              <th scope="col" class="number">Iterations</th>
            </tr>
          </thead>
          <tbody>
            {images.sections.map((s) => (
              <tr key={s.section}>
                <th scope="row">{s.section}{s.fellBack && <small title="The network was no better than bicubic interpolation, which was taken"> · fell back</small>}</th>
                <td class="number">{decibel(s.lr)}</td>
                <td class="number">{decibel(s.boosted)}</td>
                <td class="number">{ssim(s.lr)}</td>
                <td class="number">{ssim(s.boosted)}</td>
                <td class="number">{count(s.iterations)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Mean</th>
              <td class="number">{decibel(images.lr)}</td>
              <td class="number">{decibel(images.boosted)}</td>
              <td class="number">{ssim(images.lr)}</td>
              <td class="number">{ssim(images.boosted)}</td>
              <td />
            </tr>
          </tfoot>
        </table>
      </div>
    </Panel>
  );
}
