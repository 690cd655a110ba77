// SPDX-License-Identifier: Apache-2.0
#pragma once

// What every test on tensors includes: compiled once. (A precompiled header, not an interface: tests include what they
// use.)
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <Eigen/Core>
#include <catch2/catch.hpp>
