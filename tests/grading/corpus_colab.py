"""Notebooks as they come from Colab, where what matters is what happens when they run."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited, solution

colab = partial(edited, category="colab", scores="full")

_HARMLESS = "This is how notebooks are written, and the answers are right."
_STATE = "With the cells before it run, the answer is right."

_SLERP, _STEP, _SAMPLE = solution("slerp"), solution("step"), solution("sample")

ENTRIES = (
    colab(
        "state-across-cells",
        why=_STATE,
        before={"step": "ROOT = math.sqrt\nscale = 1.0"},
        after={"by_hand": "calls = []\nscale = 5.0", "step": "scale = scale * 2"},
        answers={
            "slerp": _SLERP.replace("return (arc", "calls.append(w)\n    return (scale / 2 * arc"),
            "step": _STEP.replace("math.sqrt", "ROOT"),
        },
        last="scale = scale + 3\ndel ROOT",
    ),
    colab(
        "helper-redefined",
        why="A helper that means something else further down was right where the student used it.",
        before={
            "step": "def helper(x):\n    return math.sqrt(x)",
            "slerp": "def helper(x, y):\n    return (x * y).sum(1, keepdim=True)",
        },
        answers={
            "step": _STEP.replace("math.sqrt", "helper"),
            "slerp": _SLERP.replace("(p * q).sum(1, keepdim=True)", "helper(p, q)"),
        },
    ),
    colab(
        "shadowed-names",
        why="The names that the notebook imports are there when the answers run.",
        after={
            "step": "list = [1, 2]\nsum = 3\nmax = min = print = None\nround_ = round",
            "slerp": "del list, sum, max, min, print",
            "order": "check = pairwise\nfrom genbook.checks import check",
        },
    ),
    colab(
        "cell-magics",
        why=_HARMLESS,
        first="""
        %matplotlib inline
        %config InlineBackend.figure_format = 'retina'
        %load_ext autoreload
        %autoreload 2
        """,
        before={"slerp": "%%html\n<b>On the sphere</b>", "order": "%%writefile own.py\nx = 1"},
        answers={
            "by_hand": f"%%time\n{solution('by_hand')}",
            "step": f"%%capture output\n{_STEP}\nprint('defined')",
            "slerp": f"%%timeit -n 1 -r 1\npass\n\n{_SLERP}",
            "sample": f"%time\n%precision 4\n{_SAMPLE}\n%who",
        },
        # %%timeit runs the cell in a scope of its own, so that Colab, too, does not know the name.
        after={"slerp": _SLERP},
    ),
    colab(
        "installed-packages",
        why="What the notebook installs is there already, or is not needed.",
        first="!pip install -q einops genbook\n%pip install torch==2.0\n!nvidia-smi\n!ls /content",
        answers={"step": f"!pip install --upgrade scipy\n!apt-get install -y ffmpeg\n{_STEP}"},
        before={
            "slerp": "files = !ls\nprint(files)\n%cd /content\n%env COLAB=1",
            "order": "%%bash\npip install tqdm\nexit 1",
        },
    ),
    colab(
        "mounted-drive",
        why="A cell that needs Colab itself answers nothing, and the answers do not need it.",
        first="""
        from google.colab import drive, files, output
        drive.mount("/content/drive")
        %cd /content/drive/MyDrive/generative
        """,
        last='files.download("/content/ddim.ipynb")',
    ),
    colab(
        "mounted-in-the-answer",
        why="The import that fails comes with a right answer in the same cell.",
        answers={"step": f"from google.colab import drive\ndrive.mount('/drive')\n\n{_STEP}"},
    ),
    colab(
        "tried-in-the-answer",
        why="The experiment below the answer fails after the answer was right.",
        answers={
            "step": f"{_STEP}\n\nstep(None, xt, eps)",
            "slerp": f"{_SLERP}\n\nassert False, 'to do: test'\n\nx = 1",
        },
    ),
    colab(
        "syntax-error-beside",
        why="A cell that is no Python answers nothing.",
        before={"step": "def half_a_thought(x:\n    return", "slerp": "for x in"},
        last="step(schedule xT)",
    ),
    colab(
        "syntax-error-in-answer",
        why="An answer that is no Python is no answer.",
        answers={"step": f"{_STEP}\n    return +", "slerp": "def slerp(u, v, w)\n    return u"},
        scores={"step": 0, "slerp": 0},
    ),
    colab(
        "asynchronous",
        why="A notebook may wait at the top level of a cell.",
        before={
            "step": """
            import asyncio
            await asyncio.sleep(0.1)
            done = await asyncio.gather(asyncio.sleep(0))
            """
        },
        answers={
            "slerp": f"{_SLERP}\n\nawait asyncio.sleep(0)",
            "order": f"{solution('order')}\n\nasync with asyncio.Lock():\n    pass",
        },
        last="task = asyncio.create_task(asyncio.sleep(1000))",
    ),
    colab(
        "coroutine-answer",
        why="A coroutine is not a value: the answer was never computed.",
        answers={"slerp": f"async {_SLERP}"},
        scores={"slerp": 0},
    ),
    colab(
        "returns-at-the-top",
        why="A return outside a function is refused by Python; the cell answers nothing.",
        before={"step": "x = 1\nreturn x"},
        last="yield 3",
    ),
    colab(
        "asks-for-input",
        why="Nobody types during grading, and what was asked for is in no answer.",
        before={"step": "name = input('Your name? ')\nprint('Hello', name)"},
        after={"slerp": "import getpass\ngetpass.getpass('Token: ')\nbreakpoint()"},
    ),
    colab(
        "shown",
        why=_HARMLESS,
        first="""
        import matplotlib.pyplot as plt
        from ipywidgets import IntSlider, interact
        from tqdm.auto import tqdm, trange

        for _ in tqdm(range(20), desc="warming up"):
            plt.plot([1, 2])
        plt.show()
        interact(lambda n: n, n=IntSlider(5))
        """,
        answers={"sample": _SAMPLE.replace("in pairwise(times)", "in tqdm(list(pairwise(times)))")},
        before={"order": "fig, axes = plt.subplots(2, 2)\nfig.savefig('figure.png')\nfig"},
    ),
    colab(
        "form-fields",
        why=_HARMLESS,
        first="""
        #@title Settings { display-mode: "form" }
        seed = 0 #@param {type:"integer"}
        #@markdown ---
        """,
        answers={"step": f"#@title Question 3 {{ run: 'auto' }}\n{_STEP}"},
    ),
    colab(
        "global-settings",
        why="The settings that the notebook makes change neither the cases nor the right values.",
        first="""
        import random, sys, warnings

        warnings.filterwarnings("error")
        torch.manual_seed(0), np.random.seed(0), random.seed(0)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(8)
        torch.set_printoptions(precision=2)
        torch.set_grad_enabled(False), torch.use_deterministic_algorithms(True)
        np.seterr(all="raise"), np.set_printoptions(suppress=True)
        sys.setrecursionlimit(100_000)
        """,
        last="torch.set_default_dtype(torch.float16)\ntorch.set_default_device('meta')",
    ),
    colab(
        "much-output",
        why="Output does not count, however long it is.",
        before={"step": "for n in range(100_000):\n    print(n, 'x' * 50)"},
        last="torch.set_printoptions(threshold=10**7)\nprint(torch.randn(300, 300))",
    ),
    colab(
        "takes-seconds",
        why="Cells may take their time, within the limits.",
        after={
            "step": "import time\ntime.sleep(1.2)",
            "sample": "for _ in range(20):\n    torch.linalg.qr(torch.randn(400, 400))",
        },
        last="time.sleep(1.2)",
    ),
    colab(
        "cleared-names",
        why="The names were there when the student needed them.",
        last="%reset -f",
        after={"order": "%reset -f in out"},
    ),
    colab(
        "device-of-the-student",
        why="Where there is no GPU the notebook computes without one.",
        first='device = "cuda" if torch.cuda.is_available() else "cpu"\n!nvidia-smi',
        answers={
            "slerp": _SLERP.replace("u.flatten(1), v", "u.to(device).flatten(1), v.to(device)")
        },
        last="xT.cuda()",
    ),
)
