// SPDX-License-Identifier: Apache-2.0
#pragma once

// What every program on tensors includes, compiled once for all of them. (A precompiled header, not an interface:
// sources include what they use.)
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#endif
