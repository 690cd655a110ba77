// SPDX-License-Identifier: Apache-2.0
#include <proximal/libtorch/cuda/kernel_cache.hpp>

#include "../../support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

using proximal::libtorch::cuda::kernel_cache;

namespace {

std::string bytes_of(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("kernel_cache: a kernel is compiled once for what it is made of, by whichever process") {
    support::temporary_folder const folder;
    int compiled = 0;
    auto const get = [&](std::string const& source) {
        return kernel_cache(folder.path).get(source, [&] {
            ++compiled;
            return std::string("code\0 of ", 9) + source;
        });
    };
    auto const made = get("sm_90\nkernel");
    CHECK(get("sm_90\nkernel") == made);
    CHECK(compiled == 1);
    CHECK(get("sm_80\nkernel") != made);
    CHECK(compiled == 2);
    int files = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder.path / "kernels"))
        files += entry.path().extension() == ".cubin";
    CHECK(files == 2);
}

TEST_CASE("kernel_cache: what is damaged, cut short or of another text is compiled again") {
    support::temporary_folder const folder;
    kernel_cache const cache(folder.path);
    auto const compile = [] { return std::string(500, 'c'); };
    cache.get("text", compile);
    auto const whole = bytes_of(cache.path_of("text"));
    for (auto const& damaged : {std::string(), whole.substr(0, 3), whole.substr(0, whole.size() - 1), whole + "x",
                                whole.substr(0, 100) + 'd' + whole.substr(101), "texu" + whole.substr(4)}) {
        std::ofstream(cache.path_of("text"), std::ios::binary) << damaged;
        CHECK(cache.get("text", compile) == compile());
        CHECK(bytes_of(cache.path_of("text")) == whole);
    }
}

TEST_CASE("kernel_cache: where nothing can be kept kernels are compiled all the same, and a compiler's error passes") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "file") << "no folder";
    for (auto const& nowhere : {std::filesystem::path(), folder.path / "file"})
        CHECK(kernel_cache(nowhere).get("text", [] { return std::string("code"); }) == "code");
    CHECK_THROWS_WITH(kernel_cache(folder.path).get("text", []() -> std::string { throw std::runtime_error("no"); }),
                      "no");
    CHECK_FALSE(std::filesystem::exists(kernel_cache(folder.path).path_of("text")));
}
