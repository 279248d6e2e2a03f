"""Tables that readers can take with them: packed in the output, unpacked beside the pages."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.book.downloads import TABLE_MIME, Downloads, unpack
from helpers.book.pages.notebooks import text_outputs
from helpers.book.pages.renderer import PlotlyRenderer

TABLE = pd.DataFrame({"length [Å]": [1.5, 2.25]}).rename_axis("network")


def test_a_table_comes_back_as_it_was():
    content = Downloads({"networks": TABLE})._repr_mimebundle_()[TABLE_MIME]["networks.csv"]["content"]
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(unpack(content)), index_col="network"), TABLE)


def test_the_renderer_writes_the_file_and_links_it():
    written = {}
    renderer = SimpleNamespace(write_file=lambda path, content, **_: written.update({"/".join(path): content}))
    content = Downloads({"networks": TABLE})._repr_mimebundle_()[TABLE_MIME]
    (node,) = PlotlyRenderer.handle_mime(renderer, SimpleNamespace(mime_type=TABLE_MIME, content=content), False)
    assert written["tables/networks.csv"].decode() == "network,length [Å]\n0,1.5\n1,2.25\n"
    assert '<a href="../_static/tables/networks.csv" download>networks.csv</a> (2 rows, 0 kB)' in node.astext()


def test_stored_notebooks_keep_the_words_only():
    from nbformat.v4 import new_output

    output = new_output("execute_result", data=Downloads({"networks": TABLE})._repr_mimebundle_())
    assert text_outputs([output])[0].data == {"text/plain": "networks.csv: 2 rows"}


def test_a_name_that_leaves_the_folder_is_refused():
    with pytest.raises(ValueError, match=r"file name '\.\./x' holds other signs"):
        Downloads({"../x": TABLE})
