// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <proximal/io/stored_tensor.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// A safetensors dtype and LibTorch's.
inline constexpr std::array<std::pair<char const*, at::ScalarType>, 12> stored_dtypes{
    {{"F32", at::kFloat},
     {"F64", at::kDouble},
     {"BF16", at::kBFloat16},
     {"F16", at::kHalf},
     {"I64", at::kLong},
     {"I32", at::kInt},
     {"I16", at::kShort},
     {"I8", at::kChar},
     {"U8", at::kByte},
     {"BOOL", at::kBool},
     {"F8_E5M2", at::kFloat8_e5m2},
     {"F8_E4M3", at::kFloat8_e4m3fn}}};

/// A stored tensor as a tensor of its own on the CPU, in its dtype; the file may be closed afterwards.
inline at::Tensor to_tensor(io::stored_tensor const& stored) {
    auto const* const found = std::find_if(stored_dtypes.begin(), stored_dtypes.end(),
                                           [&](auto const& entry) { return entry.first == stored.dtype; });
    if (found == stored_dtypes.end())
        throw std::runtime_error("proximal: the dtype " + stored.dtype +
                                 " has no tensor type here; convert the file to F32 or BF16");
    at::Tensor result = at::empty(stored.shape, found->second);
    if (!stored.bytes.empty()) std::memcpy(result.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
    return result;
}

/// What a safetensors file calls a dtype. Throws std::invalid_argument where it has none for it.
inline char const* stored_dtype(at::ScalarType type) {
    auto const* const found = std::find_if(stored_dtypes.begin(), stored_dtypes.end(),
                                           [&](auto const& entry) { return entry.second == type; });
    if (found == stored_dtypes.end())
        throw std::invalid_argument("proximal: a safetensors file has no dtype for " +
                                    std::string(c10::toString(type)) + ": convert the tensor first");
    return found->first;
}

/// A view of a contiguous CPU tensor, for writing.
inline io::stored_tensor to_stored(at::Tensor const& x) {
    if (!x.is_cpu() || !x.is_contiguous())
        throw std::invalid_argument(
            "proximal: only contiguous tensors on the CPU are written; call .cpu().contiguous() first");
    return {stored_dtype(x.scalar_type()),
            x.sizes().vec(),
            {static_cast<std::byte const*>(x.const_data_ptr()), x.nbytes()}};
}

/// Parameters out of a model's files, cast to `options`, each looked up by its name.
///
/// finish() throws std::runtime_error where the files hold a tensor that the model did not ask for; the buffers that
/// older transformers stored (attention masks, rotary frequencies) are passed over.
class stored_weights {
   public:
    stored_weights(std::string where, std::map<std::string, io::stored_tensor> const& tensors,
                   at::TensorOptions options)
        : where_(std::move(where)), tensors_(tensors), options_(options) {}

    /// Whether the files hold a tensor of this name.
    bool contains(std::string const& name) const { return tensors_.contains(name); }

    /// Throws std::runtime_error where the tensor is missing or of another shape.
    at::Tensor operator()(std::string const& name, std::vector<std::int64_t> const& shape) {
        auto const found = tensors_.find(name);
        if (found == tensors_.end())
            throw std::runtime_error(where_ + " has no tensor " + name +
                                     "; check that the weights belong to config.json");
        if (found->second.shape != shape)
            throw std::runtime_error(where_ + " stores " + name + " as " + text(found->second.shape) +
                                     " where config.json asks for " + text(shape) +
                                     "; check that the weights belong to config.json");
        taken_.insert(name);
        return to_tensor(found->second).to(options_);
    }

    /// Counts a tensor as used that the model has no place for.
    void pass_over(std::string const& name) { taken_.insert(name); }

    /// Throws std::runtime_error, naming it, where a tensor was asked for by nobody.
    void finish() const {
        for (auto const& [name, tensor] : tensors_)
            if (!taken_.contains(name) && !buffer(name))
                throw std::runtime_error(where_ + " holds the tensor " + name +
                                         ", which the model of config.json has not; check that the "
                                         "weights belong to config.json");
    }

   private:
    static bool buffer(std::string const& name) {
        return name.ends_with(".attention.bias") || name.ends_with(".masked_bias") ||
               name.ends_with(".rotary_emb.inv_freq");
    }
    static std::string text(std::vector<std::int64_t> const& shape) {
        std::string text = "[";
        for (auto const size : shape) text.append(text.size() > 1 ? ", " : "").append(std::to_string(size));
        return text + "]";
    }

    std::string where_;
    std::map<std::string, io::stored_tensor> const& tensors_;
    at::TensorOptions options_;
    std::set<std::string> taken_;
};

}  // namespace proximal::lm
