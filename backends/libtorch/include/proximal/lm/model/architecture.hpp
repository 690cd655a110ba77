// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/json_file.hpp>
#include <proximal/lm/model/backbone.hpp>
#include <proximal/lm/model/gpt_neox.hpp>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// What Hugging Face calls the pieces of one model_type, and how its backbone is built.
struct architecture {
    char const* model_type;
    char const* causal_lm_class;
    char const* classifier_class;
    char const* lm_head;  // the parameter's name
    char const* score;
    std::shared_ptr<backbone> (*build)(nlohmann::json const& config, parameter_source const&,
                                       std::optional<at::ScalarType> rotary_precision);
};

/// A Backbone from the Config that a config.json holds: the `build` of an architecture.
template <class Backbone, class Config>
std::shared_ptr<backbone> build_backbone(nlohmann::json const& config, parameter_source const& source,
                                         std::optional<at::ScalarType> rotary_precision) {
    return std::make_shared<Backbone>(Config(config), source, rotary_precision);
}

/// Every architecture there is: a new one is a header and a line here.
inline constexpr std::array architectures{
    architecture{"gpt_neox", "GPTNeoXForCausalLM", "GPTNeoXForSequenceClassification", "embed_out.weight",
                 "score.weight", &build_backbone<gpt_neox, gpt_neox_config>},
};

/// The architecture of a config's model_type. Throws std::invalid_argument, naming those there are, for any other.
inline architecture const& architecture_of(nlohmann::json const& config) {
    auto const type = config.is_object() ? io::value_or(config, "model_type", nlohmann::json()) : nlohmann::json();
    std::string known;
    for (auto const& entry : architectures) {
        if (type == entry.model_type) return entry;
        known += (known.empty() ? "" : ", ") + std::string(entry.model_type);
    }
    throw std::invalid_argument("proximal: the config's model_type " + type.dump() +
                                " is not supported; use one of: " + known);
}

}  // namespace proximal::lm
