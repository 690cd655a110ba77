# Headers, programs, the CMake package Proximal and proximal.pc. A component is an export of its own, so that find_package
# loads and looks for no more than what it was asked for.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(proximal_package "${CMAKE_INSTALL_DATADIR}/cmake/Proximal")  # share: nothing here depends on the architecture

foreach(component IN LISTS proximal_components)
    if(TARGET proximal_${component})
        set(fragments "")
        if(component STREQUAL libtorch)
            set(fragments FILE_SET fragments)
        elseif(component STREQUAL lm)
            set(fragments FILE_SET declarations)
        endif()
        install(TARGETS proximal_${component} EXPORT proximal-${component} FILE_SET HEADERS ${fragments})
        install(EXPORT proximal-${component} NAMESPACE proximal:: DESTINATION "${proximal_package}")
    endif()
endforeach()
if(TARGET proximal_arrow)
    install(FILES "${PROJECT_SOURCE_DIR}/backends/arrow/cmake/arrow.cmake" DESTINATION "${proximal_package}")
endif()
if(TARGET proximal_libtorch)
    install(FILES "${PROJECT_SOURCE_DIR}/backends/libtorch/cmake/libtorch.cmake" DESTINATION "${proximal_package}")
endif()
if(TARGET proximal_cuda)
    install(TARGETS proximal_cuda LIBRARY DESTINATION lib)  # beside bin, where ppo looks
endif()
foreach(program ppo tokenize plot_metrics)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME)
    endif()
endforeach()

write_basic_package_version_file("${PROJECT_BINARY_DIR}/ProximalConfigVersion.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES "${PROJECT_SOURCE_DIR}/cmake/ProximalConfig.cmake" "${PROJECT_SOURCE_DIR}/cmake/components.cmake"
              "${PROJECT_BINARY_DIR}/ProximalConfigVersion.cmake"
        DESTINATION "${proximal_package}")

file(RELATIVE_PATH proximal_prefix "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/proximal.pc.in" "${PROJECT_BINARY_DIR}/proximal.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/proximal.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
