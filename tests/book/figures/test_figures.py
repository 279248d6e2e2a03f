"""Figures: what they store, how light they are, and what they refuse."""

import json

import numpy as np
import pytest

from helpers.book import figures
from helpers.book.figures.frames import bar_length

RNG = np.random.default_rng(5)


def megabytes(figure):
    return len(json.dumps(figure._repr_mimebundle_())) / 1e6


def traces(figure, **wanted):
    return [t for t in figure.data if all(getattr(t, key) == value for key, value in wanted.items())]


def test_a_particle_as_large_as_pd2_stays_light():
    figure = figures.draw_atoms(RNG.uniform(0, 110, (76_238, 3)), groups=RNG.random(76_238) < 0.02, sample="Pd2")
    # three float32 coordinates and a byte of shade an atom, a third more in base64: 1.32 MB
    assert megabytes(figure) < 1.4


def test_atoms_keep_their_places():
    positions = RNG.normal(scale=40, size=(200, 3))
    trace = figures.draw_atoms(positions, sample="Ta", scale_bar=False).data[0]
    found = np.stack([trace.x, trace.y, trace.z], axis=1)
    np.testing.assert_allclose(found, positions, atol=figures.ROUNDING / 2 + 1e-5)  # rounded, then float32


def test_nuclei_are_grey_and_the_rest_has_the_sample_colour():
    nuclei = np.arange(100) < 7
    figure = figures.draw_atoms(RNG.normal(size=(100, 3)), groups=nuclei, sample="Pd1")
    grey, blue = traces(figure, name="crystal nuclei")[0], traces(figure, name="Pd 1, disordered")[0]
    assert len(grey.x) == 7
    assert len(blue.x) == 93
    assert grey.marker.colorscale[1][1] == figures.NUCLEUS_COLOUR
    assert blue.marker.colorscale[1][1] == figures.sample_colour("Pd1")


def test_undefined_values_are_drawn_grey_and_left_out_of_the_scale():
    figure = figures.draw_atoms(RNG.normal(size=(4, 3)), values=[np.nan, 1.0, 3.0, 2.0], value_title="Q")
    shown = traces(figure, name="Q")[0]
    assert (shown.marker.cmin, shown.marker.cmax) == (1.0, 3.0)
    assert len(traces(figure, name="undefined")[0].x) == 1


@pytest.mark.parametrize(("extent", "length"), [(110.0, 20.0), (30.0, 5.0), (9.0, 2.0), (401.0, 100.0)])
def test_the_scale_bar_has_a_round_length(extent, length):
    assert bar_length(extent) == length
    positions = extent / 2 * RNG.uniform(-1, 1, size=(400, 3))
    figure = figures.draw_atoms(positions)
    (bar,), (words,) = figure.layout.shapes, figure.layout.annotations
    scale = figure.layout.meta["scenes"]["scene"]["scale"]  # px per Å
    label = words.text.replace(" nm", "0").replace(" Å", "")
    assert (bar.x1 - bar.x0) / scale == pytest.approx(float(label), rel=1e-3)  # the scale is rounded
    assert (bar.xsizemode, bar.xref) == ("pixel", "paper"), "a bar in the scene would turn with it"


def shape_on_screen(figure, positions, name="scene"):
    """Corners of what is drawn, in pixels from the middle of the scene, by plotly's rule of half a height a unit."""
    scene = figure.layout[name]
    height = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    height *= np.diff(scene.domain.y or (0, 1))[0]
    eye = np.array([scene.camera.eye.x, scene.camera.eye.y, scene.camera.eye.z])
    right = np.cross(-eye, [0, 0, 1]) / np.linalg.norm(np.cross(-eye, [0, 0, 1]))
    up = np.cross(right, -eye) / np.linalg.norm(eye)
    units = []
    for axis, column in zip("xyz", positions.T, strict=True):
        low, high = scene[f"{axis}axis"].range
        units.append(((column - low) / (high - low) - 0.5) * scene.aspectratio[axis] * height / 2)
    units = np.array(units)
    return right @ units, up @ units, height


@pytest.mark.parametrize("shape", [(60, 60, 60), (130, 110, 25), (8, 8, 200), (0, 0, 0)])
def test_every_sample_fits_its_panel_and_lengths_are_equal_along_all_axes(shape):
    positions = np.array(shape) / 2 * RNG.uniform(-1, 1, size=(300, 3)) + 17.0
    figure, places = figures.panels(["Ta", "Pd1", "Pd2", "demo"], kind="scene", height=480)
    figures.draw_atoms(positions, sample="Ta", figure=figure, **places["Ta"])
    across, up, height = shape_on_screen(figure, positions)
    assert np.abs(across).max() <= 0.47 * 690 / 2  # two panels in a row
    assert np.abs(up).max() <= 0.41 * height
    scene, scale = figure.layout.scene, figure.layout.meta["scenes"]["scene"]["scale"]
    for axis in "xyz":
        low, high = scene[f"{axis}axis"].range
        assert scene.aspectratio[axis] * height / 2 / (high - low) == pytest.approx(scale, rel=1e-3)


def test_a_frame_grows_with_what_is_added():
    figure = figures.draw_atoms(RNG.uniform(-10, 10, size=(50, 3)))
    far = np.array([[50.0, 0.0, 0.0], [0.0, 60.0, 0.0], [0.0, 0.0, 70.0], [20.0, 20.0, 20.0]])
    figures.draw_tetrahedra(far, [[0, 1, 2, 3]], figure=figure)
    across, up, height = shape_on_screen(figure, far)
    assert np.abs(across).max() <= 0.47 * 690
    assert np.abs(up).max() <= 0.41 * height
    assert len(figure.layout.shapes) == len(figure.layout.annotations) == 1


def test_panels_share_a_legend_and_stack_on_a_phone():
    figure, places = figures.panels(["Ta", "Pd1", "Pd2"], kind="scene")
    for name in places:
        figures.draw_atoms(
            RNG.normal(size=(90, 3)), groups=np.arange(90) < 9, sample=name, figure=figure, **places[name]
        )
    assert sum(t.showlegend for t in figure.data if t.name == "crystal nuclei") == 1
    narrow = figure.layout.meta["narrow"]
    lows = [narrow[f"scene{number}.domain"]["y"][0] for number in ("", "2", "3")]
    assert lows == sorted(lows, reverse=True)
    assert narrow["height"] > figure.layout.height


def test_skeletons_are_closed_and_triplets_open():
    rings = {3: RNG.normal(size=(2, 3, 3)), 5: RNG.normal(size=(4, 5, 3)), 6: []}
    figure = figures.draw_skeletons(rings, scale_bar=False, fill=0)
    triplets, pentagons = figure.data
    assert (len(triplets.x), len(pentagons.x)) == (2 * (3 + 1), 4 * (5 + 1 + 1))  # points, closing point, gap
    assert pentagons.x[0] == pentagons.x[5]
    assert np.isnan(pentagons.x[6])


def test_a_pair_of_tetrahedra_with_a_common_face_has_seven_faces_and_nine_edges():
    positions = RNG.normal(size=(9, 3))
    figure = figures.draw_tetrahedra(positions, [[0, 1, 2, 3], [1, 2, 3, 8]], scale_bar=False)
    mesh, lines = figure.data
    assert len(mesh.i) == 7
    assert len(lines.x) == 9 * 3
    assert len(mesh.x) == 5


def test_a_motif_shows_its_caps_its_ring_and_a_closed_skeleton():
    turn = 2 * np.pi * np.arange(5) / 5
    atoms = np.vstack([[0, 0, 1.4], [0, 0, -1.4], np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 0 * turn], axis=1)])
    rows = [[0, 1, 2 + k, 2 + (k + 1) % 5] for k in range(5)]
    figure = figures.draw_motif(atoms + 50, rows)
    named = {trace.name: trace for trace in figure.data}
    assert len(named["capping atoms"].x) == 2
    assert len(named["ring atoms"].x) == 5
    skeleton = named[figures.MOTIF_NAMES[5]]
    assert skeleton.x[0] == skeleton.x[5]
    wrapped = figures.draw_motif((atoms + 9.5) % 10, rows, box=10.0)  # across the faces of a box: still in one piece
    again = {trace.name: trace for trace in wrapped.data}["ring atoms"]
    assert np.ptp(again.x) == pytest.approx(np.ptp(named["ring atoms"].x), abs=0.02)  # coordinates are rounded
    with pytest.raises(ValueError, match="3 atoms in common"):
        figures.draw_motif(atoms, rows[:2])


def test_histograms_are_normalised_over_all_values():
    values = RNG.normal(size=5000)
    figure = figures.draw_histograms({"Ta": values}, bins=40, x_title="x")
    steps = np.diff(figure.data[0].x)[1:]
    area = float((steps * figure.data[0].y[1:-1]).sum())
    assert area == pytest.approx(1.0, abs=1e-5)  # float32
    part = figures.draw_histograms({"Ta": values}, bins=10, limits=(0, 9), norm="percent", x_title="x").data[0].y.sum()
    assert part == pytest.approx(100 * (values >= 0).mean(), abs=1e-3)


def test_images_keep_orientation_scale_and_place():
    image = np.zeros((40, 20))
    image[30, 5] = 1.0
    trace = figures.draw_images({"one": image}, pixel_size=0.5, value_range=(0, 2)).data[0]
    row, column = np.unravel_index(np.argmax(trace.z), trace.z.shape)
    assert (trace.x0 + column * trace.dx, trace.y0 + row * trace.dy) == ((30 - 20) * 0.5, (5 - 10) * 0.5)
    assert trace.z.max() == 127
    middle = trace.colorbar.tickvals[list(trace.colorbar.ticktext).index("1.0")]
    assert middle == 127


def test_a_colour_bar_counts_through_zero_without_minus_zero():
    """Images whose lowest value is a little below zero once had a tick "-0"."""
    image = np.linspace(-0.3, 4.2, 100).reshape(10, 10)
    bar = figures.draw_images({"one": image}, pixel_size=1.0).data[0].colorbar
    assert list(bar.ticktext) == ["0", "1", "2", "3", "4"]
    bar = figures.draw_images({"one": image - 2}, pixel_size=1.0, diverging=True).data[0].colorbar
    assert list(bar.ticktext) == ["\u22122", "\u22121", "0", "1", "2"]


def test_long_images_are_averaged_over_whole_blocks():
    image = RNG.random((1000, 700))
    trace = figures.draw_images({"one": image}, pixel_size=1.0, max_pixels=256, value_range=(0, 1)).data[0]
    assert trace.z.shape == (175, 250)
    assert trace.z[0, 0] == np.round(image[:4, :4].mean() * 254)
    assert trace.x0 == -500 + 1.5
    assert trace.dx == 4


def test_an_image_of_one_value_or_none_is_drawn():
    blank = figures.draw_images({"flat": np.ones((4, 4)), "undefined": np.full((4, 4), np.nan)}, pixel_size=1.0)
    assert len(blank.data) == 2


def test_maps_leave_empty_bins_blank():
    figure, places = figures.draw_maps(
        {"Ta": ([0.1, 0.1, 0.15], [0.3, 0.3, 0.5])}, x_title="x", y_title="y", limits=((0, 0.2), (0, 0.6)), bins=4
    )
    assert np.isfinite(figure.data[0].z).sum() == 2
    assert places["Ta"] == {"row": 1, "col": 1}


def test_colours_are_kept_and_distinct():
    assert figures.sample_colour("MD300") == figures.sample_colour("MD5200") == "#6B6B6B"
    assert figures.sample_line("MD5200")["dash"] == "dot"
    assert figures.sample_line("demo")["dash"] == figures.sample_line("my glass")["dash"] == "solid"
    mine, other = figures.sample_colour("my glass"), figures.sample_colour("another")
    assert figures.sample_colour("my glass") == mine
    assert len({mine, other, *map(figures.sample_colour, ("Ta", "Pd1", "Pd2", "demo"))}) == 6
    assert len(set(figures.colour_sequence(5))) == 5


def test_lattices_are_marked_where_their_order_is():
    lattices = {"fcc": (0.19, 0.57), "hcp": (0.1, 0.48), "icosahedron": (0.0, 0.66)}
    figure, places = figures.panels(["a"])
    figures.add_order_marks(figure, 0.5, lattices, **places["a"])
    arc, marks = figure.data
    np.testing.assert_allclose(np.hypot(arc.x, arc.y), 0.5 * np.hypot(0.19, 0.57))
    assert dict(zip(marks.text, zip(marks.x, marks.y, strict=True), strict=True)) == {
        name: lattices[name] for name in ("fcc", "hcp")
    }


def test_your_own_sample_has_the_colour_you_give_it(tmp_path, monkeypatch):
    own = tmp_path / "own.toml"
    own.write_text('[glass]\nkind = "particle"\ncolour = "#123456"\ndash = "dash"\n[melt]\nkind = "particle"\n')
    monkeypatch.setenv("AET_SAMPLES", str(own))
    assert figures.sample_line("glass") == {"color": "#123456", "dash": "dash", "width": 2.0}
    assert figures.sample_colour("melt") in figures.SERIES_COLOURS
    own.write_text('[glass]\nkind = "particle"\ncolour = "blue"\n')
    with pytest.raises(ValueError, match="key colour: got 'blue'; expected a hexadecimal colour"):
        figures.sample_colour("glass")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: figures.draw_atoms(np.zeros((4, 2))), r"positions has shape \(4, 2\); expected \(N, 3\)"),
        (lambda: figures.draw_atoms(np.zeros((4, 3)), groups=[1, 2]), r"groups has shape \(2,\); expected \(4,\)"),
        (lambda: figures.draw_atoms(np.zeros((4, 3)), values=[1.0]), r"values has shape \(1,\); expected \(4,\)"),
        (lambda: figures.draw_atoms(np.zeros((1, 3)), groups=["a"], colours={"a": "red"}), "expected hexadecimal"),
        (lambda: figures.draw_skeletons({5: np.zeros((2, 4, 3))}), r"shape \(2, 4, 3\); expected \(K, 5, 3\)"),
        (lambda: figures.draw_tetrahedra(np.zeros((3, 3)), [[0, 1, 2, 3]]), "names atoms 0 to 3 of 3"),
        (lambda: figures.draw_tetrahedra(np.zeros((3, 3)), [[0, 1, 2]]), r"expected \(M, 4\)"),
        (lambda: figures.draw_curves({"a": ([1], [1, 2])}, x_title="", y_title=""), r"curve 'a' has x of shape \(1,\)"),
        (lambda: figures.draw_bars(["x"], {"a": [1, 2]}, y_title=""), r"values\['a'\] has shape \(2,\)"),
        (lambda: figures.draw_images({"a": np.zeros(3)}, pixel_size=1.0), r"images\['a'\] has shape \(3,\)"),
        (lambda: figures.draw_images({"a": np.zeros((3, 3))}, pixel_size=-1.0), "pixel_size=-1.0"),
        (lambda: figures.panels([]), "names is empty"),
        (lambda: figures.panels(["a", "a"]), "one name twice"),
        (lambda: figures.draw_histograms({"a": [1.0]}, norm="area", x_title=""), "norm='area'"),
        (lambda: figures.colour_sequence(0), "count is 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_one_name_is_not_a_list_of_names():
    with pytest.raises(TypeError, match=r"for instance \['Ta'\]"):
        figures.panels("Ta")


def test_nothing_to_draw_gives_an_empty_figure():
    assert len(figures.draw_skeletons({5: []}).data) == 0
    assert len(figures.draw_tetrahedra(np.zeros((0, 3)), []).data) == 0
    assert len(figures.draw_atoms(np.zeros((0, 3))).data) == 1


def test_panels_on_one_scale_share_a_bar():
    figure, places = figures.panels(["a", "b", "c"], kind="scene")
    for name, ends in (("a", (0, 1)), ("b", (0, 1)), ("c", (0, 2))):
        options = {"values": [0.2, 0.7], "value_title": "distance [Å]", "value_range": ends}
        figures.draw_atoms([[0.0, 0, 0], [3.0, 0, 0]], figure=figure, **options, **places[name])
    assert [trace.marker.showscale for trace in figure.data] == [True, False, True]


def test_an_empty_scene_shows_no_plane_axes():
    figure, places = figures.panels(["a"], kind="scene")
    figures.note_empty(figure, "nothing", **places["a"])
    assert figure.layout.xaxis.visible is False


def test_discs_of_a_schematic_stay_within_its_scene():
    turn = 2 * np.pi * np.arange(5) / 5
    ring = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]) * 2.4
    figure, places = figures.panels(["a"], kind="scene")
    figures.draw_angle(ring, ring=True, figure=figure, **places["a"])
    half = figure.layout.meta["scenes"]["scene"]["half"]
    bare, places = figures.panels(["a"], kind="scene")
    figures.draw_atoms(ring, figure=bare, scale_bar=False, **places["a"])
    assert half[0] > bare.layout.meta["scenes"]["scene"]["half"][0] + 0.3  # a disc is 0.7 Å wide
