// SPDX-License-Identifier: Apache-2.0
#include "conv.h"

#include <vector>

#ifdef TERAVOX_HAS_ONEDNN
#include <torch/autograd.h>

#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace teravox {
namespace {

std::vector<int64_t> same_padding(const at::Tensor &weight) {
  return {(weight.size(2) - 1) / 2, (weight.size(3) - 1) / 2, (weight.size(4) - 1) / 2};
}

// libtorch 1.13 hands a 3-D convolution to oneDNN only when batch * channels * z * y > 20480 (a rule made for images),
// and all others, more than half of a U-Net's at usual patch sizes, to an unfolding that is 4 to 10 times as slow. So
// the primitives are called here. Newer libtorch (and oneDNN 3, whose interface differs) has no such rule.
#if defined(TERAVOX_HAS_ONEDNN) && DNNL_VERSION_MAJOR == 2

using dnnl::memory;
using Dims = memory::dims;

const dnnl::engine &cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc free_layout(at::IntArrayRef shape) {
  return memory::desc(Dims(shape.begin(), shape.end()), memory::data_type::f32, memory::format_tag::any);
}

memory plain(const at::Tensor &tensor) {
  Dims shape(tensor.sizes().begin(), tensor.sizes().end());
  auto tag = shape.size() == 1 ? memory::format_tag::a : memory::format_tag::abcde;
  return memory(memory::desc(shape, memory::data_type::f32, tag), cpu(), tensor.data_ptr<float>());
}

// Memory of any layout, in a tensor so that libtorch's allocator aligns and owns it.
struct Buffer {
  at::Tensor owner;
  memory view;
};

Buffer make_buffer(const memory::desc &layout) {
  at::Tensor owner = at::empty({static_cast<int64_t>(layout.get_size() / sizeof(float)) + 1}, at::kFloat);
  memory view(layout, cpu(), owner.data_ptr<float>());
  return {std::move(owner), std::move(view)};
}

// The tensor in the layout that a primitive asks for; `made` earlier for another primitive if that has it.
Buffer arranged(const at::Tensor &tensor, const memory::desc &layout, dnnl::stream *stream, const Buffer &made = {}) {
  if (made.owner.defined() && made.view.get_desc() == layout) return made;
  memory from = plain(tensor);
  if (from.get_desc() == layout) return {tensor, from};
  Buffer to = make_buffer(layout);
  dnnl::reorder(from, to.view).execute(*stream, from, to.view);
  return to;
}

// Where a primitive writes in its own layout what ends in `tensor`.
Buffer target_for(const at::Tensor &tensor, const memory::desc &layout) {
  memory to = plain(tensor);
  if (to.get_desc() == layout) return {tensor, to};
  return make_buffer(layout);
}

void deliver(Buffer *from, const at::Tensor &tensor, dnnl::stream *stream) {
  memory to = plain(tensor);
  if (from->view.get_data_handle() == to.get_data_handle()) return;
  dnnl::reorder(from->view, to).execute(*stream, from->view, to);
}

dnnl::convolution_forward::primitive_desc forward_plan(const at::Tensor &x, const at::Tensor &weight,
                                                       at::IntArrayRef out_shape) {
  const Dims ones(3, 1), padding = same_padding(weight);
  return {{dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, free_layout(x.sizes()),
           free_layout(weight.sizes()), free_layout(out_shape), ones, padding, padding},
          cpu()};
}

struct OneDnnConv : torch::autograd::Function<OneDnnConv> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight) {
    context->save_for_backward({x, weight});
    std::vector<int64_t> shape = x.sizes().vec();
    shape[1] = weight.size(0);
    at::Tensor out = at::empty(shape, x.options());
    dnnl::stream stream(cpu());
    auto plan = forward_plan(x, weight, shape);
    Buffer src = arranged(x, plan.src_desc(), &stream);
    Buffer kernel = arranged(weight, plan.weights_desc(), &stream);
    Buffer dst = target_for(out, plan.dst_desc());
    dnnl::convolution_forward(plan).execute(
        stream, {{DNNL_ARG_SRC, src.view}, {DNNL_ARG_WEIGHTS, kernel.view}, {DNNL_ARG_DST, dst.view}});
    deliver(&dst, out, &stream);
    stream.wait();
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 const torch::autograd::variable_list &gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dout = gradients[0].contiguous();
    const Dims ones(3, 1), padding = same_padding(weight);
    dnnl::stream stream(cpu());
    auto hint = forward_plan(x, weight, dout.sizes());
    at::Tensor dx, dweight;
    Buffer diff;
    if (context->needs_input_grad(0)) {
      dnnl::convolution_backward_data::primitive_desc plan(
          {dnnl::algorithm::convolution_direct, free_layout(x.sizes()), free_layout(weight.sizes()),
           free_layout(dout.sizes()), ones, padding, padding},
          cpu(), hint);
      dx = at::empty_like(x);
      diff = arranged(dout, plan.diff_dst_desc(), &stream);
      Buffer kernel = arranged(weight, plan.weights_desc(), &stream);
      Buffer result = target_for(dx, plan.diff_src_desc());
      dnnl::convolution_backward_data(plan).execute(
          stream, {{DNNL_ARG_DIFF_DST, diff.view}, {DNNL_ARG_WEIGHTS, kernel.view}, {DNNL_ARG_DIFF_SRC, result.view}});
      deliver(&result, dx, &stream);
    }
    if (context->needs_input_grad(1)) {
      dnnl::convolution_backward_weights::primitive_desc plan(
          {dnnl::algorithm::convolution_direct, free_layout(x.sizes()), free_layout(weight.sizes()),
           free_layout(dout.sizes()), ones, padding, padding},
          cpu(), hint);
      dweight = at::empty_like(weight);
      diff = arranged(dout, plan.diff_dst_desc(), &stream, diff);
      Buffer src = arranged(x, plan.src_desc(), &stream);
      Buffer result = target_for(dweight, plan.diff_weights_desc());
      dnnl::convolution_backward_weights(plan).execute(
          stream, {{DNNL_ARG_DIFF_DST, diff.view}, {DNNL_ARG_SRC, src.view}, {DNNL_ARG_DIFF_WEIGHTS, result.view}});
      deliver(&result, dweight, &stream);
    }
    stream.wait();
    return {dx, dweight};
  }
};

bool takes_onednn(const at::Tensor &x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat;
}

at::Tensor onednn_conv(const at::Tensor &x, const at::Tensor &weight) {
  return OneDnnConv::apply(x.contiguous(), weight.contiguous());
}

#else

bool takes_onednn(const at::Tensor &) {
  return false;
}
at::Tensor onednn_conv(const at::Tensor &x, const at::Tensor &) {
  return x;
}

#endif

}  // namespace

at::Tensor conv3d_same(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  // A kernel of 1 is a plain matrix product, which libtorch does well.
  if (weight.size(2) == 1 || !takes_onednn(x)) return at::conv3d(x, weight, bias, 1, same_padding(weight));
  at::Tensor out = onednn_conv(x, weight);
  return bias.defined() ? out.add_(bias.view({1, -1, 1, 1, 1})) : out;
}

}  // namespace teravox
