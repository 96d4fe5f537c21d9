// SPDX-License-Identifier: Apache-2.0
#include "arch.h"
#include "check.h"
#include "guard.h"
#include "unet.h"

using namespace teravox;

namespace {

tvx_arch make(int levels, int f_maps, int order, int residual = 0, int upsample = TVX_UPSAMPLE_NEAREST) {
  tvx_arch arch;
  tvx_arch_defaults(&arch);
  arch.levels = levels;
  arch.f_maps = f_maps;
  arch.order = order;
  arch.residual = residual;
  arch.upsample = upsample;
  return arch;
}

int64_t parameters(const tvx_arch &arch) {
  int64_t count = 0;
  for (const TensorSpec &spec : tensor_specs(arch)) {
    int64_t numbers = 1;
    for (int64_t size : spec.shape) numbers *= size;
    if (spec.trainable) count += numbers;
  }
  return count;
}

void set_pool(tvx_arch &arch, int level, int z, int y, int x) {
  arch.pool[level][0] = z;
  arch.pool[level][1] = y;
  arch.pool[level][2] = x;
}

}  // namespace

// The figures are those of pytorch-3dunet's own modules.
TEST(TensorSpecs_WhenAsPublished_CountsAgree) {
  struct Row {
    tvx_arch arch;
    int64_t parameters;
    size_t tensors;
  } rows[] = {
      {make(4, 32, TVX_ORDER_GCR), 4081267, 44},
      {make(4, 64, TVX_ORDER_GCR), 16318691, 44},
      {make(3, 16, TVX_ORDER_GCR), 246203, 32},
      {make(4, 32, TVX_ORDER_CBR), 4080881, 86},
      {make(5, 32, TVX_ORDER_GCR, 1, TVX_UPSAMPLE_TRANSPOSED3), 28437281, 70},
      {make(5, 64, TVX_ORDER_GCR, 1, TVX_UPSAMPLE_TRANSPOSED3), 113735233, 70},
  };
  for (const Row &row : rows) {
    validate(row.arch);
    CHECK_EQUAL(parameters(row.arch), row.parameters);
    CHECK_EQUAL(tensor_specs(row.arch).size(), row.tensors);
  }
  tvx_arch three = make(4, 32, TVX_ORDER_GCR);
  three.out_channels = 3;
  CHECK_EQUAL(parameters(three), 4081333);
}

TEST(TensorSpecs_WhenCbr_NamesAndShapesAreThoseOfPytorch3dunet) {
  auto specs = tensor_specs(make(4, 32, TVX_ORDER_CBR));
  CHECK_EQUAL(specs[0].name, "encoders.0.basic_module.SingleConv1.conv.weight");
  CHECK(specs[0].shape == (std::vector<int64_t>{16, 1, 3, 3, 3}));
  CHECK_EQUAL(specs[1].name, "encoders.0.basic_module.SingleConv1.batchnorm.weight");
  CHECK_EQUAL(specs[5].name, "encoders.0.basic_module.SingleConv1.batchnorm.num_batches_tracked");
  CHECK_EQUAL(specs[48].name, "decoders.0.basic_module.SingleConv1.conv.weight");
  CHECK(specs[48].shape == (std::vector<int64_t>{128, 384, 3, 3, 3}));
  CHECK_EQUAL(specs[84].name, "final_conv.weight");
  CHECK_EQUAL(specs[85].name, "final_conv.bias");
}

TEST(TensorSpecs_WhenResidual_NamesAreThoseOfPytorch3dunet) {
  auto specs = tensor_specs(make(5, 32, TVX_ORDER_GCR, 1, TVX_UPSAMPLE_TRANSPOSED3));
  CHECK_EQUAL(specs[0].name, "encoders.0.basic_module.conv1.weight");
  CHECK_EQUAL(specs[1].name, "encoders.0.basic_module.conv1.bias");
  CHECK_EQUAL(specs[2].name, "encoders.0.basic_module.conv2.groupnorm.weight");
  CHECK_EQUAL(specs[7].name, "encoders.0.basic_module.conv3.conv.weight");
  CHECK_EQUAL(specs[40].name, "decoders.0.upsampling.upsample.conv_transposed.weight");
  CHECK(specs[40].shape == (std::vector<int64_t>{512, 256, 3, 3, 3}));
  CHECK_EQUAL(specs[41].name, "decoders.0.basic_module.conv2.groupnorm.weight");
}

TEST(Reach_WhenPooledByTwo_IsThatOfTheDesign) {
  int64_t expected[] = {9, 23, 51, 107};
  for (int levels = 2; levels <= 5; ++levels) {
    tvx_arch arch = make(levels, 8, TVX_ORDER_CBR);
    int64_t reach = expected[levels - 2];
    CHECK((reach_of(arch) == Triple{reach, reach, reach}));
    int64_t grid = 1 << (levels - 1);
    CHECK((grid_of(arch) == Triple{grid, grid, grid}));
  }
}

TEST(Reach_WhenAnAxisIsNotPooledFirst_IsSmallerThere) {
  tvx_arch arch = make(4, 8, TVX_ORDER_CBR);
  set_pool(arch, 0, 1, 2, 2);
  CHECK((grid_of(arch) == Triple{4, 8, 8}));
  Triple reach = reach_of(arch);
  CHECK_EQUAL(reach[0], 27);  // 23 of the three levels below, at the same resolution, and the four convolutions above
  CHECK_EQUAL(reach[1], 51);
  for (int level = 0; level < 3; ++level) set_pool(arch, level, 1, 2, 2);
  CHECK_EQUAL(reach_of(arch)[0], 14);  // seven pairs of convolutions, one voxel each
}

TEST(Validate_WhenAFieldIsWrong_NamesIt) {
  auto refused = [](tvx_arch arch, const char *word) {
    try {
      validate(arch);
      check::fail(__FILE__, __LINE__, std::string("accepted, expected a refusal naming ") + word);
    } catch (const Error &e) {
      CHECK_EQUAL(e.status(), TVX_BAD_ARGUMENT);
      if (std::string(e.what()).find(word) == std::string::npos) {
        check::fail(__FILE__, __LINE__, std::string(e.what()) + " does not name " + word);
      }
    }
  };
  tvx_arch good = make(4, 32, TVX_ORDER_CBR);
  tvx_arch arch = good;
  arch.in_channels = 2, refused(arch, "in_channels"), arch = good;
  arch.out_channels = 0, refused(arch, "out_channels"), arch = good;
  arch.out_channels = 256, refused(arch, "out_channels"), arch = good;
  arch.levels = 1, refused(arch, "levels"), arch = good;
  arch.levels = 9, refused(arch, "levels"), arch = good;
  arch.f_maps = 0, refused(arch, "f_maps"), arch = good;
  arch.levels = 8, arch.f_maps = 100, refused(arch, "f_maps * 2"), arch = good;
  arch.order = 2, refused(arch, "order"), arch = good;
  arch.upsample = -1, refused(arch, "upsample"), arch = good;
  arch.residual = 2, refused(arch, "residual"), arch = good;
  arch.residual = 1, refused(arch, "nearest"), arch = good;
  arch.num_groups = 0, refused(arch, "num_groups"), arch = good;
  arch.pool[1][2] = 5, refused(arch, "pool"), arch = good;
  arch.pool[1][2] = 0, refused(arch, "pool"), arch = good;
  arch.upsample = TVX_UPSAMPLE_TRANSPOSED3, arch.pool[0][0] = 3, refused(arch, "transposed3"), arch = good;
  arch.order = TVX_ORDER_GCR, arch.f_maps = 20, refused(arch, "num_groups"), arch = good;
}

TEST(ArchJson_WhenWrittenAndRead_IsTheSame) {
  tvx_arch arch = make(3, 16, TVX_ORDER_GCR, 1, TVX_UPSAMPLE_TRANSPOSED);
  set_pool(arch, 0, 1, 2, 2);
  CHECK(same_arch(arch, arch_from_json(arch_to_json(arch))));
  for (const char *bad : {"", "{}", "[]", "{\"levels\":3}", "nonsense"}) {
    try {
      arch_from_json(bad);
      check::fail(__FILE__, __LINE__, std::string("accepted ") + bad);
    } catch (const Error &e) {
      CHECK_EQUAL(e.status(), TVX_BAD_FORMAT);
    }
  }
}

TEST(Unet_WhenMade_TensorsAreThoseOfTheSpecs) {
  for (tvx_arch arch : {make(3, 4, TVX_ORDER_CBR), make(3, 8, TVX_ORDER_GCR), make(3, 1, TVX_ORDER_CBR),
                        make(3, 8, TVX_ORDER_GCR, 1, TVX_UPSAMPLE_TRANSPOSED3),
                        make(3, 8, TVX_ORDER_CBR, 0, TVX_UPSAMPLE_TRANSPOSED)}) {
    auto net = make_unet(arch, 1);
    size_t held = net->named_parameters().size() + net->named_buffers().size();
    CHECK_EQUAL(held, tensor_specs(arch).size());
    match_tensors(arch, named_tensors(*net));
    net->eval();
    at::Tensor logits = net->forward(at::ones({1, 1, 8, 12, 16}));
    CHECK(logits.sizes() == at::IntArrayRef({1, 1, 8, 12, 16}));
    CHECK(logits.isfinite().all().item<bool>());
  }
}

TEST(Unet_WhenSeedsAgree_WeightsAgree) {
  tvx_arch arch = make(2, 4, TVX_ORDER_CBR);
  auto a = named_tensors(*make_unet(arch, 7)), b = named_tensors(*make_unet(arch, 7)),
       c = named_tensors(*make_unet(arch, 8));
  at::manual_seed(3);
  at::Tensor global = at::rand({4});
  at::manual_seed(3);
  make_unet(arch, 9);
  CHECK(at::rand({4}).equal(global));  // the process-wide generator is left alone
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i].second.equal(b[i].second));
  CHECK(!a[0].second.equal(c[0].second));
  double bound = 1 / std::sqrt(27.0);
  double largest = a[0].second.abs().max().item<double>();
  CHECK(largest <= bound && largest > bound * 0.9);
}

CHECK_MAIN
