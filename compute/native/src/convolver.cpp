// SPDX-License-Identifier: Apache-2.0
#ifdef TERAVOX_HAS_ONEDNN

#include "convolver.h"

#include <omp.h>

#include <cstring>

namespace teravox {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr auto kFloat = memory::data_type::f32;
constexpr size_t kMostKernels = 512;

memory::dims dims(int64_t a, int64_t b, const Triple &t) {
  return {a, b, t[0], t[1], t[2]};
}

memory::dims dims(const Triple &t) {
  return {t[0], t[1], t[2]};
}

dnnl::primitive_attr attributes(bool relu, bool add) {
  dnnl::post_ops operations;
  if (add) operations.append_sum(1.0f);
#if DNNL_VERSION_MAJOR >= 3
  if (relu) operations.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#else
  if (relu) operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#endif
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(operations);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

}  // namespace

Convolver::Convolver(int block) : block_(block), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

int Convolver::best_block() {
  auto has = [](dnnl::cpu_isa wanted) {
    int all = static_cast<int>(dnnl::get_effective_cpu_isa()), bits = static_cast<int>(wanted);
    return (all & bits) == bits;
  };
  if (has(dnnl::cpu_isa::avx512_core)) return 16;
  return has(dnnl::cpu_isa::avx2) ? 8 : 0;
}

std::unique_ptr<Filter> Convolver::prepare(const at::Tensor &weight, const at::Tensor &bias, bool plain_input) {
  auto whole = [&](int64_t channels) { return (channels + block_ - 1) / block_ * block_; };
  auto filter = std::make_unique<Filter>();
  filter->in = plain_input ? 1 : whole(weight.size(1));
  filter->out = whole(weight.size(0));
  filter->kernel = {weight.size(2), weight.size(3), weight.size(4)};
  // Whole blocks explicitly: for other numbers of channels oneDNN falls back to its reference code.
  at::Tensor padded =
      at::constant_pad_nd(weight, {0, 0, 0, 0, 0, 0, 0, filter->in - weight.size(1), 0, filter->out - weight.size(0)})
          .contiguous();
  filter->plain = memory({dims(filter->out, filter->in, filter->kernel), kFloat, Tag::oidhw}, engine_);
  std::memcpy(filter->plain.get_data_handle(), padded.data_ptr<float>(), padded.nbytes());
  at::Tensor offsets = at::zeros({filter->out});
  if (bias.defined()) offsets.narrow(0, 0, bias.size(0)).copy_(bias);
  filter->bias = memory({{filter->out}, kFloat, Tag::x}, engine_);
  std::memcpy(filter->bias.get_data_handle(), offsets.data_ptr<float>(), offsets.nbytes());
  return filter;
}

void Convolver::begin_tile() {
  if (kernels_.size() > kMostKernels) kernels_.clear();
}

const Convolver::Kernel &Convolver::kernel_for(const Filter &filter, const Triple &in, const Triple &out,
                                               const Triple &before, const Triple &after, bool relu, bool add) {
  // oneDNN divides the work among the threads when it makes the kernel.
  Key key{&filter, in, out, before, after, relu, add, omp_get_max_threads()};
  auto found = kernels_.find(key);
  if (found != kernels_.end()) return found->second;

  Tag blocked = block_ == 16 ? Tag::nCdhw16c : Tag::nCdhw8c;
  memory::desc source(dims(1, filter.in, in), kFloat, filter.in == 1 ? Tag::ncdhw : blocked);
  memory::desc target(dims(1, filter.out, out), kFloat, blocked);
  memory::desc weights(dims(filter.out, filter.in, filter.kernel), kFloat, Tag::any);
  memory::desc bias = filter.bias.get_desc();
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  // "direct": never Winograd, whose rounding is too coarse for tiles to agree.
  constexpr auto kAlgorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  dnnl::convolution_forward::primitive_desc description(engine_, kKind, kAlgorithm, source, weights, bias, target,
                                                        {1, 1, 1}, dims(before), dims(after), attributes(relu, add));
#else
  dnnl::convolution_forward::desc operation(kKind, kAlgorithm, source, weights, bias, target, {1, 1, 1}, dims(before),
                                            dims(after));
  dnnl::convolution_forward::primitive_desc description(operation, attributes(relu, add), engine_);
#endif
  memory::desc wanted = description.weights_desc();
  size_t at = 0;
  while (at < filter.reordered.size() && !(filter.reordered[at].get_desc() == wanted)) ++at;
  if (at == filter.reordered.size()) {
    memory reordered(wanted, engine_);
    memory plain = filter.plain;
    dnnl::reorder(plain, reordered).execute(stream_, plain, reordered);
    stream_.wait();
    filter.reordered.push_back(reordered);
  }
  Kernel kernel = {dnnl::convolution_forward(description), source, target, description.scratchpad_desc(), at};
  return kernels_.emplace(key, std::move(kernel)).first->second;
}

void Convolver::run(const Filter &filter, const float *input, const Box &in, float *output, const Box &out,
                    const Triple &back, bool relu, bool add, Buffers &buffers) {
  Triple before, after;
  for (int a = 0; a < 3; ++a) {
    size_t i = static_cast<size_t>(a);
    int64_t reach = filter.kernel[i] > 1 ? back[i] : 0;
    before[i] = in[a].lo - (out[a].lo - reach);
    after[i] = (out[a].hi - reach + filter.kernel[i] - 1) - in[a].hi;
  }
  const Kernel &kernel = kernel_for(filter, in.shape(), out.shape(), before, after, relu, add);
  Buffer scratch = buffers.get(kernel.scratch.get_size() / sizeof(float) + 1);
  memory source(kernel.source, engine_, const_cast<float *>(input)), target(kernel.target, engine_, output);
  kernel.primitive.execute(stream_, {{DNNL_ARG_SRC, source},
                                     {DNNL_ARG_WEIGHTS, filter.reordered[kernel.weights]},
                                     {DNNL_ARG_BIAS, filter.bias},
                                     {DNNL_ARG_DST, target},
                                     {DNNL_ARG_SCRATCHPAD, memory(kernel.scratch, engine_, scratch.get())}});
  stream_.wait();
}

}  // namespace teravox

#endif
