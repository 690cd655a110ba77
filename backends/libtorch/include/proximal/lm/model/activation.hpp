// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <stdexcept>
#include <string>

namespace proximal::lm {

/// The activation that a config's `hidden_act` names: exact GELU, or its tanh form under Hugging Face's three names.
///
/// Throws std::invalid_argument, naming it, for any other.
class activation {
   public:
    explicit activation(std::string const& hidden_act) {
        if (hidden_act == "gelu" || hidden_act == "gelu_python") approximate_ = "none";
        else if (hidden_act == "gelu_new" || hidden_act == "gelu_fast" || hidden_act == "gelu_pytorch_tanh")
            approximate_ = "tanh";
        else
            throw std::invalid_argument("proximal: hidden_act \"" + hidden_act +
                                        "\" is not supported; use gelu, gelu_new, gelu_fast or gelu_pytorch_tanh");
    }
    at::Tensor operator()(at::Tensor const& x) const { return at::gelu(x, approximate_); }

   private:
    char const* approximate_;
};

}  // namespace proximal::lm
