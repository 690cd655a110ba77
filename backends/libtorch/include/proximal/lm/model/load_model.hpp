// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <proximal/io/safetensors_folder.hpp>
#include <proximal/lm/model/architecture.hpp>
#include <proximal/lm/model/causal_lm.hpp>
#include <proximal/lm/model/parameter_sources.hpp>
#include <proximal/lm/model/sequence_classifier.hpp>
#include <proximal/lm/model/stored_weights.hpp>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// A Hugging Face folder's config.json. Throws std::runtime_error where it is missing or not a JSON object.
inline nlohmann::json load_config(std::filesystem::path const& folder) {
    auto const path = folder / "config.json";
    if (!std::filesystem::exists(path)) io::refuse_adapter(folder);
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error(path.string() + " cannot be opened; give the folder of a Hugging Face model");
    auto const config = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
    if (!config.is_object())
        throw std::runtime_error(path.string() + " is not a JSON object; write or download it again");
    return config;
}

/// A language model from a Hugging Face folder: config.json and the weights, cast to `dtype` on `device`.
///
/// rotary_precision: see gpt_neox; at::kFloat makes a float64 model equal stock transformers' `.double()`.
/// Throws std::runtime_error or std::invalid_argument, naming the file and the field or tensor, for what does not fit.
inline causal_lm load_causal_lm(std::filesystem::path const& folder, at::ScalarType dtype = at::kFloat,
                                at::Device device = at::kCPU, std::optional<at::ScalarType> rotary_precision = {}) {
    auto config = load_config(folder);
    auto const& kind = architecture_of(config);
    io::safetensors_folder const files(folder);
    stored_weights weights(folder.string(), files.tensors(), at::TensorOptions(device).dtype(dtype));
    auto const body = kind.build(
        config, [&](auto const& name, auto const& shape, parameter_kind) { return weights(name, shape); },
        rotary_precision);
    bool const tied = io::value_or(config, "tie_word_embeddings", false);
    if (!tied && !weights.contains(kind.lm_head) && weights.contains(kind.score))
        throw std::runtime_error(folder.string() + " holds a reward model or critic: it has " +
                                 std::string(kind.score) + " and no " + std::string(kind.lm_head) +
                                 "; name the folder of a language model");
    if (tied) weights.pass_over(kind.lm_head);
    auto const head =
        tied ? body->token_embedding() : weights(kind.lm_head, {body->vocabulary_size(), body->hidden_size()});
    weights.finish();
    return {body, head, std::move(config)};
}

/// A reward model or critic from a Hugging Face folder.
///
/// A language model's folder serves too, as with Hugging Face: its lm_head is left out, and the head it lacks is drawn
/// from N(0, initializer_range) by `seed`; `head_was_made` says whether that happened. Throws as load_causal_lm, and
/// where the folder's head gives several labels.
inline sequence_classifier load_sequence_classifier(std::filesystem::path const& folder,
                                                    at::ScalarType dtype = at::kFloat, at::Device device = at::kCPU,
                                                    std::uint64_t seed = 0, bool* head_was_made = nullptr,
                                                    std::optional<at::ScalarType> rotary_precision = {}) {
    auto config = load_config(folder);
    auto const& kind = architecture_of(config);
    io::safetensors_folder const files(folder);
    auto const options = at::TensorOptions(device).dtype(dtype);
    stored_weights weights(folder.string(), files.tensors(), options);
    auto const body = kind.build(
        config, [&](auto const& name, auto const& shape, parameter_kind) { return weights(name, shape); },
        rotary_precision);
    bool const made = !weights.contains(kind.score);
    if (auto const head = files.tensors().find(kind.score);
        !made && head != files.tensors().end() && head->second.shape.size() == 2 && head->second.shape[0] != 1)
        throw std::runtime_error(folder.string() + " gives " + std::to_string(head->second.shape[0]) +
                                 " labels: a reward model or critic has one");
    if (made) weights.pass_over(kind.lm_head);
    auto const score = made ? drawn(io::value_or(config, "initializer_range", 0.02), seed, options)(
                                  kind.score, {1, body->hidden_size()}, parameter_kind::matrix)
                            : weights(kind.score, {1, body->hidden_size()});
    weights.finish();
    if (head_was_made) *head_was_made = made;
    return {body, score, std::move(config)};
}

}  // namespace proximal::lm
