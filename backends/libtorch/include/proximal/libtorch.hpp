// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arrays and fused kernels on LibTorch tensors. All of it.
#include <proximal/libtorch/cuda/kernel_cache.hpp>
#include <proximal/libtorch/cuda/launch.hpp>
#include <proximal/libtorch/cuda/module_function.hpp>
#include <proximal/libtorch/cuda/move_heads.hpp>
#include <proximal/libtorch/cuda/reverse_scan.hpp>
#include <proximal/libtorch/cuda/row_kernels.hpp>
#include <proximal/libtorch/cuda/sample_row.hpp>
#include <proximal/libtorch/cuda/sequence_mean.hpp>
#include <proximal/libtorch/cuda/token_loads.hpp>
#include <proximal/libtorch/cuda/token_loss.hpp>
#include <proximal/libtorch/device.hpp>
#include <proximal/libtorch/field.hpp>
#include <proximal/libtorch/fused_loss.hpp>
#include <proximal/libtorch/fused_loss_gpu.hpp>
#include <proximal/libtorch/fused_sequence_mean.hpp>
#include <proximal/libtorch/linear_logprob.hpp>
#include <proximal/libtorch/logprob.hpp>
#include <proximal/libtorch/move_heads.hpp>
#include <proximal/libtorch/nvrtc.hpp>
#include <proximal/libtorch/operations.hpp>
#include <proximal/libtorch/parallel_for.hpp>
#include <proximal/libtorch/reverse_scan.hpp>
#include <proximal/libtorch/row_kernels.hpp>
#include <proximal/libtorch/sample_rows.hpp>
#include <proximal/libtorch/softmax_rows.hpp>
#include <proximal/libtorch/step_graph.hpp>
#include <proximal/libtorch/token_grid.hpp>
#include <proximal/libtorch/upload.hpp>
