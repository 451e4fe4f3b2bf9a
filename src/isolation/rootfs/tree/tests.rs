use super::*;
use crate::host::{Facts, Host, Node};

fn tree() -> (Tree, Host) {
    let directory = Node::Directory { uid: 0, mode: 0o755 };
    let link = |to: &str| Node::Symlink { to: to.into() };
    let host = Host::known(Facts {
        paths: [
            ("/srv/a".into(), directory.clone()),
            ("/srv/a/up".into(), link("../../../etc/x")),
            ("/srv/a/abs".into(), link("/data/a/b")),
            ("/srv/a/loop".into(), link("loop")),
            ("/srv/a/file".into(), Node::File { uid: 0, mode: 0o644 }),
        ]
        .into(),
        ..Facts::default()
    });
    let bind = Content::Bind {
        source: "/srv".into(),
        kind: Kind::Directory,
        access: Access::ReadOnly,
        exec: true,
        discard: false,
        system: false,
    };
    let entries = [("/", Content::Directory), ("/data", bind), ("/d", Content::Link("data".into()))];
    (Tree { entries: entries.map(|(path, content): (&str, _)| (path.into(), content)).into() }, host)
}

#[test]
fn links_lead_to_places_inside() {
    let (tree, host) = tree();
    let there = |path: &str, kind| Found::There { path: path.into(), kind };
    let missing = |directory: &str, rest: &str| Found::Missing { directory: directory.into(), rest: rest.into() };
    assert_eq!(tree.find(Path::new("/d/a/file"), true, &host), there("/data/a/file", Kind::File));
    // `..` stops at the root, an absolute link starts there: both as the program will see them.
    assert_eq!(tree.find(Path::new("/data/a/up"), true, &host), missing("/", "etc/x"));
    assert_eq!(tree.find(Path::new("/data/a/abs/c"), true, &host), missing("/data/a", "b/c"));
    assert_eq!(tree.find(Path::new("/data/a/new"), true, &host), missing("/data/a", "new"));
    let nowhere = |at: &str, why| Found::Nowhere { at: at.into(), why };
    assert_eq!(tree.find(Path::new("/data/a/loop"), true, &host), nowhere("/data/a/loop", Obstacle::Loop));
    assert_eq!(tree.find(Path::new("/data/a/file/x"), true, &host), nowhere("/data/a/file", Obstacle::NoDirectory));
    assert_eq!(tree.find(Path::new("/data/a/file/.."), true, &host), nowhere("/data/a/file", Obstacle::NoDirectory));
    assert_eq!(tree.find(Path::new("/data/a/loop"), false, &host), there("/data/a/loop", Kind::File));
}

#[test]
fn what_lies_beneath_a_path_shares_more_than_its_letters() {
    let mut tree = Tree::default();
    for path in ["/", "/a", "/a/b", "/a/b/c", "/a-b", "/ab/c"] {
        tree.put(path.into(), Content::Directory);
    }
    let beneath = |at| tree.beneath(Path::new(at)).map(|(path, _)| path.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(beneath("/a"), ["/a/b", "/a/b/c"]);
    assert_eq!(beneath("/a/b/c"), [""; 0]);
    assert_eq!(beneath("/").len(), 5);
}
