# The target proximal::arrow_parquet: Arrow's C++ with Parquet, of the pyarrow wheel whose folder is in PROXIMAL_ARROW_DIR
# or first in proximal_arrow_wheels. Without one there is no target.
if(NOT TARGET proximal::arrow_parquet)
    foreach(folder IN LISTS PROXIMAL_ARROW_DIR proximal_arrow_wheels)
        file(GLOB arrow_library "${folder}/libarrow.so.*")
        file(GLOB parquet_library "${folder}/libparquet.so.*")
        if(arrow_library AND parquet_library AND EXISTS "${folder}/include/arrow/api.h" AND NOT TARGET proximal::arrow_parquet)
            add_library(proximal::arrow_parquet INTERFACE IMPORTED GLOBAL)
            target_include_directories(proximal::arrow_parquet SYSTEM INTERFACE "${folder}/include")
            target_link_libraries(proximal::arrow_parquet INTERFACE ${parquet_library} ${arrow_library})
        endif()
    endforeach()
endif()
