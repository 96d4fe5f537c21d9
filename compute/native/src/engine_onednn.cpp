// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#ifndef TERAVOX_HAS_ONEDNN

namespace teravox {

std::unique_ptr<Engine> make_onednn_engine(const FoldedNet &, int64_t) {
  return nullptr;
}

}  // namespace teravox

#else

#include "blocked.h"
#include "buffers.h"
#include "convolver.h"
#include "subpixel.h"

namespace teravox {
namespace {

at::Tensor pad_channels(const at::Tensor &values, int64_t channels) {
  return at::constant_pad_nd(values, {0, channels - values.size(0)});
}

// Group norm's affine form for one tensor: computed scale and shift of every channel.
struct ScaleShift {
  std::vector<float> scale, shift;
};

template <int B>
class OneDnnEngine : public Engine {
 public:
  OneDnnEngine(const FoldedNet &net, int64_t slab_bytes) : net_(net), slab_bytes_(slab_bytes), convolver_(B) {
    const tvx_arch &arch = net.arch;
    for (const FoldedBlock &block : net.encoders) encoders_.push_back(prepare(block, encoders_.empty()));
    for (int level = 0; level < arch.levels - 1; ++level) {
      const FoldedBlock &block = net.decoders[static_cast<size_t>(level)];
      decoders_.push_back(prepare_decoder(block, level));
    }
    const FoldedConv &last = net.final_conv;
    int64_t padded = blocks_of(last.weight.size(1)) * B;
    final_weight_ =
        at::constant_pad_nd(last.weight.reshape({last.weight.size(0), -1}), {0, padded - last.weight.size(1)})
            .contiguous();
  }

  void run(const tvx_tile &tile, const Plan &plan, Pace &pace, float *logits) override {
    size_t levels = plan.levels.size();
    buffers_.begin_tile();
    convolver_.begin_tile();
    std::vector<Feature> skips;
    Feature x = encode_finest(tile, plan, pace, skips);
    for (size_t k = 1; k < levels; ++k) {
      const LevelPlan &level = plan.levels[k];
      x = run_block(net_.encoders[k], encoders_[k], std::move(x), level.encoder_mid, level.encoder_out, pace);
      if (k + 1 < levels) {
        Feature pooled = make(x.channels, plan.levels[k + 1].encoder_in);
        blocked::max_pool<B>(view(x), view(pooled), pooled.box[0], pool_factors(net_.arch, static_cast<int>(k)));
        skips.push_back(crop(std::move(x), level.joined));
        x = std::move(pooled);
      }
    }
    for (size_t k = levels - 1; k-- > 0;) {
      Feature skip = std::move(skips.back());
      skips.pop_back();
      x = decode(k, std::move(skip), std::move(x), plan.levels[k], pace);
    }
    blocked::classify<B>(view(x), final_weight_.data_ptr<float>(), net_.final_conv.bias.data_ptr<float>(),
                         net_.arch.out_channels, logits);
    pace.step(work_of(net_.final_conv.weight, x.box));
  }

 private:
  struct Feature {
    Buffer data;
    int64_t channels = 0;
    Box box;
  };

  struct Block {
    std::unique_ptr<Filter> project, first, second;
    std::vector<float> single_weight, single_bias;  // of `project` where the input is the single channel
  };

  struct Decoder {
    Block block;
    // A filter for every parity: of the first convolution's upsampled half (nearest), or of the transposed convolution.
    std::unique_ptr<Filter> parities;
    std::array<SubpixelAxis, 3> axis;
    std::unique_ptr<Filter> of_upsampled;  // transposed and concatenated: the first convolution's second half
  };

  static int64_t blocks_of(int64_t channels) { return (channels + B - 1) / B; }

  blocked::View<B> view(const Feature &f) const { return {f.data.get(), f.box, blocks_of(f.channels)}; }

  Feature make(int64_t channels, const Box &box) {
    return {buffers_.get(static_cast<size_t>(blocks_of(channels) * B * box.voxels())), channels, box};
  }

  Feature crop(Feature f, const Box &box) {
    if (f.box == box) return f;
    Feature part = make(f.channels, box);
    blocked::copy<B>(view(f), view(part), box);
    return part;
  }

  Block prepare(const FoldedBlock &block, bool finest_encoder) {
    Block ready;
    bool residual = net_.arch.residual != 0;
    ready.first = convolver_.prepare(block.first.weight, block.first.bias, finest_encoder && !residual);
    ready.second = convolver_.prepare(block.second.weight, block.second.bias);
    if (finest_encoder && residual) {
      // Without a projection the single channel itself is the feature.
      int64_t padded = blocks_of(block.first.weight.size(1)) * B;
      at::Tensor weight = at::ones({1}), bias = at::zeros({1});
      if (block.project.weight.defined()) weight = block.project.weight.reshape({-1}), bias = block.project.bias;
      weight = pad_channels(weight, padded).contiguous();
      bias = pad_channels(bias, padded).contiguous();
      ready.single_weight.assign(weight.data_ptr<float>(), weight.data_ptr<float>() + padded);
      ready.single_bias.assign(bias.data_ptr<float>(), bias.data_ptr<float>() + padded);
    } else if (block.project.weight.defined()) {
      ready.project = convolver_.prepare(block.project.weight, block.project.bias);
    }
    return ready;
  }

  Decoder prepare_decoder(const FoldedBlock &block, int level) {
    Decoder ready;
    bool residual = net_.arch.residual != 0, nearest = net_.arch.upsample == TVX_UPSAMPLE_NEAREST;
    int64_t fine = channels(net_.arch, level), padded = blocks_of(fine) * B;
    FoldedBlock own = block;
    at::Tensor up = net_.transposed[static_cast<size_t>(level)];
    if (!residual) {
      at::Tensor whole = block.first.weight;
      own.first.weight = whole.narrow(1, 0, fine).contiguous();
      at::Tensor rest = whole.narrow(1, fine, whole.size(1) - fine).contiguous();
      if (nearest)
        up = rest;
      else
        ready.of_upsampled = convolver_.prepare(rest, {});
    }
    ready.block = prepare(own, false);
    Subpixel subpixel = make_subpixel(up, pool_factors(net_.arch, level), net_.arch.upsample, padded);
    ready.parities = convolver_.prepare(subpixel.weight, {});
    ready.axis = subpixel.axis;
    return ready;
  }

  void convolve(const Filter &filter, const Feature &in, const Feature &out, bool relu, bool add) {
    convolver_.run(filter, in.data.get(), in.box, out.data.get(), out.box, {1, 1, 1}, relu, add, buffers_);
  }

  // A 3x3x3 convolution of just the voxels it needs. A kernel of 3 reaches 1 to each side; where the block ends the
  // box is cut already, and the convolver fills with zeros.
  Feature convolve3(const Filter &filter, Feature in, int64_t channels, const Box &box, bool relu) {
    Feature out = make(channels, box);
    convolve(filter, in, out, relu, false);
    return out;
  }

  // Group norm's scale and shift over parts that are joined along the channels; each part counts as often as it is
  // upsampled, which leaves its means as they are.
  std::vector<ScaleShift> norm_of(const FoldedConv &conv, const std::vector<const Feature *> &parts) {
    std::vector<double> mean, square;
    for (const Feature *part : parts) {
      std::vector<double> s, q;
      blocked::channel_sums<B>(view(*part), s, q);
      double voxels = static_cast<double>(part->box.voxels());
      for (int64_t c = 0; c < part->channels; ++c) {
        mean.push_back(s[static_cast<size_t>(c)] / voxels);
        square.push_back(q[static_cast<size_t>(c)] / voxels);
      }
    }
    std::vector<float> scale(mean.size()), shift(mean.size());
    group_affine(conv, mean, square, scale, shift);
    std::vector<ScaleShift> result;
    size_t from = 0;
    for (const Feature *part : parts) {
      size_t own = static_cast<size_t>(part->channels), padded = static_cast<size_t>(blocks_of(part->channels) * B);
      ScaleShift values;
      values.scale.assign(scale.begin() + static_cast<int64_t>(from), scale.begin() + static_cast<int64_t>(from + own));
      values.shift.assign(shift.begin() + static_cast<int64_t>(from), shift.begin() + static_cast<int64_t>(from + own));
      values.scale.resize(padded);
      values.shift.resize(padded);
      result.push_back(std::move(values));
      from += own;
    }
    return result;
  }

  static void group_affine(const FoldedConv &conv, const std::vector<double> &mean, const std::vector<double> &square,
                           std::vector<float> &scale, std::vector<float> &shift) {
    size_t size = mean.size() / static_cast<size_t>(conv.groups);
    const float *gamma = conv.gamma.data_ptr<float>(), *beta = conv.beta.data_ptr<float>();
    for (size_t first = 0; first < mean.size(); first += size) {
      double m = 0, q = 0;
      for (size_t c = first; c < first + size; ++c) m += mean[c], q += square[c];
      m /= static_cast<double>(size), q /= static_cast<double>(size);
      double inverse = 1 / std::sqrt(std::max(q - m * m, 0.0) + 1e-5);
      for (size_t c = first; c < first + size; ++c) {
        scale[c] = static_cast<float>(inverse * gamma[c]);
        shift[c] = static_cast<float>(beta[c] - m * inverse * gamma[c]);
      }
    }
  }

  void apply(const ScaleShift &norm, const Feature &from, const Feature &to) {
    blocked::affine<B>(view(from), view(to), norm.scale.data(), norm.shift.data());
  }

  // The features that a 3x3x3 convolution to `out` reads of `in`, normalised: with group norm, `in` is whole.
  Feature normalised(const FoldedConv &conv, Feature in, const Box &out) {
    if (!conv.gamma.defined()) return in;
    ScaleShift norm = norm_of(conv, {&in})[0];
    Box read;
    for (int a = 0; a < 3; ++a) {
      read[a] = {std::max(out[a].lo - 1, in.box[a].lo), std::min(out[a].hi + 1, in.box[a].hi)};
    }
    in = crop(std::move(in), read);
    apply(norm, in, in);
    return in;
  }

  Feature run_block(const FoldedBlock &folded, const Block &block, Feature x, const Box &mid, const Box &out,
                    Pace &pace) {
    if (net_.arch.residual != 0) {
      if (block.project) {
        Box box = x.box;
        x = convolve3(*block.project, std::move(x), folded.project.weight.size(0), box, false);
        pace.step(work_of(folded.project.weight, x.box));
      }
      return run_residual(folded, block, std::move(x), mid, out, pace);
    }
    x = normalised(folded.first, std::move(x), mid);
    x = convolve3(*block.first, std::move(x), folded.first.weight.size(0), mid, true);
    pace.step(work_of(folded.first.weight, mid));
    return run_second(folded, block, std::move(x), out, pace);
  }

  Feature run_second(const FoldedBlock &folded, const Block &block, Feature x, const Box &out, Pace &pace) {
    x = normalised(folded.second, std::move(x), out);
    x = convolve3(*block.second, std::move(x), folded.second.weight.size(0), out, true);
    pace.step(work_of(folded.second.weight, out));
    return x;
  }

  Feature run_residual(const FoldedBlock &folded, const Block &block, Feature raw, const Box &mid, const Box &out,
                       Pace &pace) {
    Feature y = make(raw.channels, mid);
    if (folded.first.gamma.defined()) {
      Feature read = make(raw.channels, raw.box);  // the raw ones are added in the end
      apply(norm_of(folded.first, {&raw})[0], raw, read);
      convolve(*block.first, read, y, true, false);
    } else {
      convolve(*block.first, raw, y, true, false);
    }
    pace.step(work_of(folded.first.weight, mid));
    y = normalised(folded.second, std::move(y), out);
    Feature sum = crop(std::move(raw), out);
    convolve(*block.second, y, sum, true, true);
    pace.step(work_of(folded.second.weight, out));
    return sum;
  }

  // Level 0's encoder. Returns what the next level reads and adds the skip.
  Feature encode_finest(const tvx_tile &tile, const Plan &plan, Pace &pace, std::vector<Feature> &skips) {
    const LevelPlan &level = plan.levels[0];
    const FoldedBlock &folded = net_.encoders[0];
    bool grouped = net_.arch.order == TVX_ORDER_GCR, residual = net_.arch.residual != 0;
    Buffer input = buffers_.get(static_cast<size_t>(level.encoder_in.voxels()));
    standardise(tile, level.encoder_in, input.get());
    if (grouped && !residual) normalise_single(folded.first, input.get(), level.encoder_in.voxels());

    int64_t f = channels(net_.arch, 0), factor = net_.arch.pool[0][0];
    int64_t plane_floats = 2 * blocks_of(f) * B * level.encoder_out.voxels() / level.encoder_out[0].size();
    int64_t planes = std::max<int64_t>(slab_bytes_ / (plane_floats * static_cast<int64_t>(sizeof(float))), 8);
    planes = (planes + factor - 1) / factor * factor;
    Feature pooled = make(f, plan.levels[1].encoder_in), skip = make(f, level.joined);
    Interval all = level.encoder_out[0];
    for (int64_t lo = all.lo; lo < all.hi;) {
      // Slabs end on whole pooling windows. Group norm needs all planes at once.
      int64_t hi = grouped ? all.hi : std::min((lo + planes) / factor * factor, all.hi);
      Box out = level.encoder_out;
      out[0] = {lo, hi};
      Box mid = grow(out, 1, level.size), in = grow(mid, 1, level.size);
      if (grouped) mid = level.encoder_mid, in = level.encoder_in;
      const float *from = input.get() + (in[0].lo - level.encoder_in[0].lo) * in[1].size() * in[2].size();
      Feature x;
      if (residual) {
        Feature raw = make(f, in);
        blocked::project_single<B>(from, view(raw), encoders_[0].single_weight.data(), encoders_[0].single_bias.data());
        x = run_residual(folded, encoders_[0], std::move(raw), mid, out, pace);
      } else {
        x = make(folded.first.weight.size(0), mid);
        convolver_.run(*encoders_[0].first, from, in, x.data.get(), mid, {1, 1, 1}, true, false, buffers_);
        pace.step(work_of(folded.first.weight, mid));
        x = run_second(folded, encoders_[0], std::move(x), out, pace);
      }
      Interval windows = {std::max((lo + factor - 1) / factor, pooled.box[0].lo),
                          std::min(hi / factor, pooled.box[0].hi)};
      blocked::max_pool<B>(view(x), view(pooled), windows, pool_factors(net_.arch, 0));
      Box kept = skip.box;
      kept[0] = {std::max(kept[0].lo, lo), std::min(kept[0].hi, hi)};
      if (kept[0].lo < kept[0].hi) blocked::copy<B>(view(x), view(skip), kept);
      lo = hi;
    }
    skips.push_back(std::move(skip));
    return pooled;
  }

  void normalise_single(const FoldedConv &conv, float *values, int64_t count) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; ++i) {
      double value = values[i];
      sum += value;
      squares += value * value;
    }
    std::vector<float> scale(1), shift(1);
    group_affine(conv, {sum / static_cast<double>(count)}, {squares / static_cast<double>(count)}, scale, shift);
    for (int64_t i = 0; i < count; ++i) values[i] = values[i] * scale[0] + shift[0];
  }

  Feature decode(size_t k, Feature skip, Feature low, const LevelPlan &level, Pace &pace) {
    const FoldedBlock &folded = net_.decoders[k];
    const Decoder &decoder = decoders_[k];
    bool nearest = net_.arch.upsample == TVX_UPSAMPLE_NEAREST;
    if (net_.arch.residual != 0) {
      upsample(decoder, std::move(low), skip, true);
      return run_residual(folded, decoder.block, std::move(skip), level.decoder_mid, level.decoder_out, pace);
    }
    Feature mid = make(skip.channels, level.decoder_mid);
    if (nearest) {
      normalise_joined(folded.first, skip, low);
      upsample(decoder, std::move(low), mid, false);
    } else {
      Feature up = make(skip.channels, level.joined);
      upsample(decoder, std::move(low), up, false);
      normalise_joined(folded.first, skip, up);
      convolve(*decoder.of_upsampled, up, mid, false, false);
    }
    convolve(*decoder.block.first, skip, mid, true, true);
    skip = Feature();
    pace.step(work_of(folded.first.weight, level.decoder_mid));
    return run_second(folded, decoder.block, std::move(mid), level.decoder_out, pace);
  }

  void normalise_joined(const FoldedConv &conv, const Feature &skip, const Feature &up) {
    if (!conv.gamma.defined()) return;
    std::vector<ScaleShift> norms = norm_of(conv, {&skip, &up});
    apply(norms[0], skip, skip);
    apply(norms[1], up, up);
  }

  // Brings `low` up to the box of `to`, or adds it there.
  void upsample(const Decoder &decoder, Feature low, const Feature &to, bool add) {
    blocked::Spread map;
    Box places;
    Triple back;
    int64_t stride = 1, parities = 1;
    for (int a = 2; a >= 0; --a) {
      const SubpixelAxis &axis = decoder.axis[static_cast<size_t>(a)];
      back[static_cast<size_t>(a)] = axis.back;
      places[a] = axis.places(to.box[a]);
      for (int64_t i = to.box[a].lo; i < to.box[a].hi; ++i) {
        map.parity[static_cast<size_t>(a)].push_back(axis.parity(i) * stride);
        map.place[static_cast<size_t>(a)].push_back(axis.place(i));
      }
      stride *= axis.parities;
      parities *= axis.parities;
    }
    Feature filtered = make(parities * blocks_of(to.channels) * B, places);
    convolver_.run(*decoder.parities, low.data.get(), low.box, filtered.data.get(), places, back, false, false,
                   buffers_);
    low = Feature();
    blocked::spread<B>(view(filtered), view(to), map, add);
  }

  FoldedNet net_;
  int64_t slab_bytes_;
  Buffers buffers_;
  Convolver convolver_;
  std::vector<Block> encoders_;
  std::vector<Decoder> decoders_;
  at::Tensor final_weight_;
};

}  // namespace

std::unique_ptr<Engine> make_onednn_engine(const FoldedNet &net, int64_t slab_bytes) {
  switch (Convolver::best_block()) {
    case 16:
      return std::make_unique<OneDnnEngine<16>>(net, slab_bytes);
    case 8:
      return std::make_unique<OneDnnEngine<8>>(net, slab_bytes);
    default:
      return nullptr;
  }
}

}  // namespace teravox

#endif
