// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <proximal/lm/model/kv_cache.hpp>
#include <proximal/lm/model/token_batch.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// A parameter under its Hugging Face name.
struct named_tensor {
    std::string name;
    at::Tensor tensor;
};

/// What a parameter is before training: drawn from N(0, initializer_range), or constant.
enum class initial { normal, zeros, ones };

/// Where a model's parameters come from, asked once per parameter in the model's order: a file, a random stream,
/// another model. Returns a tensor of that shape in the model's dtype, on its device.
using parameter_source =
    std::function<at::Tensor(std::string const& name, std::vector<std::int64_t> const& shape, initial)>;

/// A transformer without a head. Heads stand apart, so that each runs on the positions it is asked for and no others.
///
/// Parameters are leaves that the caller switches on (set_requires_grad). Dropout is off, as TRL runs its models.
class backbone {
   public:
    virtual ~backbone() = default;

    /// [N, H]: the hidden state of every token after the final layer norm.
    /// Throws std::invalid_argument where a row is longer than max_positions().
    virtual at::Tensor forward(token_batch const& tokens, kv_cache* cache = nullptr) const = 0;

    /// Hugging Face's names, in the order of its named_parameters().
    virtual std::vector<named_tensor> const& parameters() const = 0;

    /// H, the width of a hidden state.
    virtual std::int64_t hidden_size() const = 0;
    /// V, the tokens that have an embedding.
    virtual std::int64_t vocabulary_size() const = 0;
    /// The longest sequence that positions are there for.
    virtual std::int64_t max_positions() const = 0;

    /// [V, H]: what a tied lm_head shares.
    virtual at::Tensor token_embedding() const = 0;
    /// An empty cache for that many rows of at most that many tokens.
    virtual kv_cache make_cache(std::int64_t row_count, std::int64_t capacity) const = 0;

    /// The same architecture on other parameters.
    virtual std::shared_ptr<backbone> rebuild(parameter_source const& source) const = 0;

    /// The dtype and device that its inputs and its head must have.
    at::TensorOptions options() const { return token_embedding().options().requires_grad(false); }
};

}  // namespace proximal::lm
