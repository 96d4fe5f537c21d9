// SPDX-License-Identifier: Apache-2.0
//
// zssr_gradients torch|onednn IN OUT: what ZSSR's network makes of given weights and images, for the parity test in
// Python. Both are safetensors. IN: weight0..weight7, input, target, inside (y, x). OUT: output, loss, gradient0..7
// and, after one step of Adam at 1e-3, updated0..7. Exit code 77 where there is no such network here.
#include <cstdio>
#include <cstring>
#include <unordered_map>

#include "device.h"
#include "safetensors.h"
#include "zssr_net.h"

namespace {

teravox::Plane plane(const at::Tensor &tensor) {
  teravox::Plane result(tensor.size(0), tensor.size(1));
  std::copy_n(tensor.data_ptr<float>(), tensor.numel(), result.pixels.begin());
  return result;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  teravox::use_threads(2);
  auto net = std::strcmp(argv[1], "torch") == 0 ? teravox::ZssrNet::by_torch(c10::Device(c10::kCPU))
                                                : teravox::ZssrNet::by_onednn();
  if (net == nullptr) return 77;
  try {
    const teravox::SafetensorsFile file = teravox::read_safetensors(argv[2]);
    std::unordered_map<std::string, at::Tensor> in(file.tensors.begin(), file.tensors.end());
    std::vector<at::Tensor> weights;
    for (int i = 0; i < 8; ++i) weights.push_back(in.at("weight" + std::to_string(i)));
    net->set(weights);
    const teravox::Plane input = plane(in.at("input")), output = net->forward(input), inside = plane(in.at("inside"));
    int64_t count = 0;
    for (const float p : inside.pixels) count += p != 0;
    const double loss = net->learn(input, plane(in.at("target")), inside, count);
    teravox::NamedTensors out;
    out.emplace_back("output", at::from_blob(const_cast<float *>(output.pixels.data()), {output.y, output.x}).clone());
    out.emplace_back("loss", at::full({1}, loss, at::kFloat));
    const auto keep = [&](const char *name, const std::vector<at::Tensor> &tensors) {
      for (size_t i = 0; i < tensors.size(); ++i) out.emplace_back(name + std::to_string(i), tensors[i].clone());
    };
    keep("gradient", net->gradients());
    net->update(1e-3);
    keep("updated", net->weights());
    teravox::write_safetensors(argv[3], out, {});
  } catch (const std::exception &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
